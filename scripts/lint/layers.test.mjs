import { expect, it } from 'vitest';
import { violation } from './layers.mjs';

it.each([
  ['src-main/pipeline/a.ts', '../store/index.ts', undefined],
  ['src-main/store/gguf/a.ts', '../../base/index.ts', undefined],
  ['src-main/store/gguf/a.ts', '../errors.ts', undefined],
  ['src-main/inference/worker/main.ts', '../../../native/index.d.ts', undefined],
  ['src-renderer/app.tsx', '../src-preload/bridge/index.ts', undefined],
  ['src-main/electron/index.ts', 'electron', undefined],
])('%s may import %s', (from, to, expected) => {
  expect(violation(from, to)).toBe(expected);
});

it.each([
  ['src-main/store/a.ts', '../pipeline/index.ts', /lower level/],
  ['src-main/store/a.ts', '../mesh/index.ts', /lower level/],
  ['src-main/pipeline/a.ts', '../store/gguf/reader.ts', /index\.ts/],
  ['src-main/pipeline/a.ts', '../../native/index.d.ts', /inference/],
  ['src-renderer/a.ts', '../src-main/base/index.ts', /bridge/],
  ['src-renderer/a.ts', 'node:fs', /no Node/],
  ['src-main/host/a.ts', 'electron', /electron/],
  ['src-main/pipeline/a.ts', '@libp2p/tcp', /mesh/],
  ['src-main/nowhere/a.ts', '../base/index.ts', /layer table/],
])('%s may not import %s', (from, to, why) => {
  expect(violation(from, to)).toMatch(why);
});
