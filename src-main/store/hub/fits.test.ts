import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whatFits, type FitRequest } from './fits.ts';

const SCRATCH = 128 * 1024 * 1024;
const GB = 1e9;
const facts = (layers: number, weightBytes: number, kvBytesPerToken = 0): FitRequest['facts'] => ({
  weightBytes: layers * weightBytes, kvBytesPerToken: layers * kvBytesPerToken, split: Array.from({ length: layers }, () => ({ weightBytes, kvBytesPerToken })),
});

describe('whatFits', () => {
  it('counts weights, KV cache and working space', () => {
    const request = { facts: facts(10, 0.4 * GB, 10_000), contextTokens: 4_000, peers: [] };
    const needBytes = 4 * GB + 4_000 * 100_000 + SCRATCH;
    expect(whatFits({ ...request, freeBytes: needBytes })).toEqual({ fits: 'here', needBytes, freeBytes: needBytes, words: 'needs 4.5 GB: you have 4.5 free' });
    expect(whatFits({ ...request, freeBytes: needBytes - 1 }).fits).toBe('no');
  });

  it('says with how many peers', () => {
    const request = { facts: facts(10, 0.5 * GB), contextTokens: 1, freeBytes: 2 * GB };
    const peer = (freeBytes: number) => ({ freeBytes });
    expect(whatFits({ ...request, peers: [peer(2 * GB), peer(2 * GB), peer(2 * GB)] })).toMatchObject({ fits: 'with-peers', peersNeeded: 3, words: 'needs 5.1 GB: you have 2.0 free; with 3 peers yes' });
    expect(whatFits({ ...request, peers: [peer(2 * GB), peer(4 * GB)] })).toMatchObject({ fits: 'with-peers', peersNeeded: 1, words: 'needs 5.1 GB: you have 2.0 free; with 1 peer yes' });
    expect(whatFits({ ...request, peers: [peer(1 * GB)] }).words).toBe('needs 5.1 GB: you have 2.0 free; with the peer you named no');
    expect(whatFits({ ...request, peers: [] }).words).toBe('needs 5.1 GB: you have 2.0 free; peers could take layers of it');
  });

  it('places nothing of a model that cannot be split', () => {
    const { split: _, ...whole } = facts(10, GB);
    expect(whatFits({ facts: whole, contextTokens: 1, freeBytes: 1, peers: [{ freeBytes: 100 * GB }] })).toMatchObject({ fits: 'no', words: expect.stringMatching(/cannot be split/) });
  });

  it('never says yes where the memory of all together is too small, nor no where one peer could take all', () => {
    const bytes = fc.integer({ min: 0, max: 3 * GB });
    fc.assert(fc.property(fc.array(bytes, { minLength: 1, maxLength: 12 }), fc.array(bytes, { maxLength: 6 }), bytes, (layers, peers, freeBytes) => {
      const split = layers.map((weightBytes) => ({ weightBytes, kvBytesPerToken: 0 }));
      const weightBytes = layers.reduce((sum, layer) => sum + layer, 0);
      const { fits, peersNeeded = 0 } = whatFits({ facts: { weightBytes, kvBytesPerToken: 0, split }, contextTokens: 1, freeBytes, peers: peers.map((free) => ({ freeBytes: free })) });
      const usable = [freeBytes, ...peers].reduce((sum, free) => sum + Math.max(0, free - SCRATCH), 0);
      if (weightBytes > usable) expect(fits).toBe('no');
      if (peers.some((free) => free - SCRATCH >= weightBytes)) expect(fits).not.toBe('no');
      expect(peersNeeded).toBeLessThanOrEqual(peers.length);
    }), { seed: 11, numRuns: 2000 });
  });
});
