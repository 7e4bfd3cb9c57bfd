import { expect, it } from 'vitest';
import { addedView, choicesView, duration, outlookView, progressLine, searchView } from './model-hub-views.ts';

it('draws progress with speed and time left', () => {
  const at = { file: 'm.gguf', part: 2, parts: 3, bytesDone: 500_000_000, bytesTotal: 2_000_000_000 };
  expect(progressLine({ ...at, phase: 'downloading', bytesPerSecond: 25_000_000, etaMs: 60_000 })).toBe('m.gguf (2 of 3)  [#####...............]  25 %  500 MB of 2000 MB  25 MB/s  1:00 min left');
  expect(progressLine({ ...at, phase: 'checking', part: 1, parts: 1, bytesDone: 0, bytesTotal: 0 })).toBe('m.gguf  [####################]  100 %  0.00 MB of 0.00 MB  comparing the checksum');
});

it('tells durations by their size', () => {
  expect([1, 59_001, 61_000, 3_599_000, 9_000_000].map(duration)).toEqual(['1 s', '1:00 min', '1:01 min', '59:59 min', '2:30 h']);
});

it('says what a model takes', () => {
  const facts = { architecture: 'llama', quantization: 'Q4_K', layers: 32, trainedTokens: 8192, weightBytes: 1, kvBytesPerToken: 1, canSplit: true };
  const outlook = { name: 'm', sizeBytes: 5_000_000_000, files: ['a', 'b'], facts, contextTokens: 4096, peers: [], verdict: { fits: 'no', needBytes: 1, freeBytes: 1, words: 'needs 5.1 GB: you have 3.9 free' } } as const;
  expect(outlookView(outlook)).toBe('m: llama, Q4_K, 32 layers, 5000 MB in 2 files, trained for 8192 tokens\n  with 4096 tokens of context it needs 5.1 GB: you have 3.9 free\n');
  const added = [{ path: '/m/a.gguf', cid: 'b', sizeBytes: 5, origin: 'x', resumedBytes: 20_000_000 }];
  expect(addedView({ ...outlook, path: '/m/a.gguf', added })).toBe('/m/a.gguf\n  20 MB of it were here already\n');
});

it('lists what was found, and why the hub is not in it', () => {
  const known = [{ name: 'M', repo: 'a/b', file: 'm.gguf', sizeBytes: 2_000_000_000, architecture: 'llama', source: 'hf:a/b/m.gguf', fitsHere: true }];
  const text = searchView({ hub: [], peers: [], known: [...known, { ...known[0]!, fitsHere: false, peersNeeded: 2 }, { ...known[0]!, fitsHere: false }], knownAsOf: '2026-01-01', offline: 'not asked' });
  expect(text).toMatch(/^The hub: not asked\n\nknown \(2026-01-01\)/);
  expect(text).toMatch(/hf:a\/b\/m\.gguf +2000 MB +fits here\n.*fits with 2 peers\n.*needs peers/);
  expect(searchView({ hub: [{ repo: 'a/b', downloads: 7, likes: 1, isGated: true }], peers: [], known: [], knownAsOf: 'x' })).toMatch(/hf:a\/b +7 +asks for terms first/);
  expect(searchView({ hub: [], peers: [], known: [], knownAsOf: 'x' })).toBe('nothing found\n');
  expect(choicesView([])).toBe('no GGUF model there\n');
});
