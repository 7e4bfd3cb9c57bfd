import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whatFits, whatFitsBySize, type FitPeer, type FitRequest } from './fits.ts';

const SCRATCH = 128 * 1024 * 1024;
const GB = 1e9;
const named = (freeBytes: number): FitPeer => ({ freeBytes, isNamed: true });
const known = (freeBytes: number): FitPeer => ({ freeBytes, isNamed: false });
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
    expect(whatFits({ ...request, peers: [named(2 * GB), named(2 * GB), named(2 * GB)] })).toMatchObject({ fits: 'with-peers', peersNeeded: 3, words: 'needs 5.1 GB: you have 2.0 free; with 3 peers yes' });
    expect(whatFits({ ...request, peers: [named(2 * GB), named(4 * GB)] })).toMatchObject({ fits: 'with-peers', peersNeeded: 1, words: 'needs 5.1 GB: you have 2.0 free; with 1 peer yes' });
    expect(whatFits({ ...request, peers: [named(1 * GB)] }).words).toBe('needs 5.1 GB: you have 2.0 free; with the peer you named no');
    expect(whatFits({ ...request, peers: [] }).words).toBe('needs 5.1 GB: you have 2.0 free; peers could take layers of it');
  });

  it('says who was counted and who was not, where others than the named ones were asked', () => {
    const words = (peers: readonly FitPeer[], [silent, unwilling]: readonly [number, number]): string =>
      whatFits({ facts: facts(10, 0.5 * GB), contextTokens: 1, freeBytes: 2 * GB, peers, absent: { silent, unwilling } }).words.replace('needs 5.1 GB: you have 2.0 free; ', '');
    expect(words([named(2 * GB), known(4 * GB)], [0, 0])).toBe('with 1 peer yes (counted: 1 named, 1 known)');
    expect(words([known(2 * GB), known(2 * GB), known(2 * GB)], [2, 1])).toBe('with 3 peers yes (counted: 3 known; 2 known did not answer; 1 known takes no layers)');
    expect(words([known(1 * GB)], [1, 0])).toBe('with the peer that could no (counted: 1 known; 1 known did not answer)');
    expect(words([named(1 * GB), known(1 * GB)], [0, 2])).toBe('with the 2 peers that could no (counted: 1 named, 1 known; 2 known take no layers)');
    expect(words([], [3, 0])).toBe('peers could take layers of it (counted: 0 known; 3 known did not answer)');
    expect(words([named(4 * GB)], [0, 0])).toBe('with 1 peer yes');
  });

  it('reckons by the size alone what nobody has read', () => {
    expect(whatFitsBySize(4 * GB, { freeBytes: 5 * GB, peers: [] })).toEqual({ fits: 'here' });
    expect(whatFitsBySize(4 * GB, { freeBytes: 2 * GB, peers: [known(1.5 * GB), known(1.5 * GB)] })).toEqual({ fits: 'with-peers', peersNeeded: 2 });
    expect(whatFitsBySize(4 * GB, { freeBytes: 2 * GB, peers: [known(1 * GB)] })).toEqual({ fits: 'no' });
  });

  it('places nothing of a model that cannot be split', () => {
    const { split: _, ...whole } = facts(10, GB);
    expect(whatFits({ facts: whole, contextTokens: 1, freeBytes: 1, peers: [named(100 * GB)], absent: { silent: 1, unwilling: 0 } })).toMatchObject({ fits: 'no', words: expect.stringMatching(/cannot be split over peers$/) });
  });

  it('never says yes where the memory of all together is too small, nor no where one peer could take all', () => {
    const bytes = fc.integer({ min: 0, max: 3 * GB });
    fc.assert(fc.property(fc.array(bytes, { minLength: 1, maxLength: 12 }), fc.array(bytes, { maxLength: 6 }), bytes, (layers, peers, freeBytes) => {
      const split = layers.map((weightBytes) => ({ weightBytes, kvBytesPerToken: 0 }));
      const weightBytes = layers.reduce((sum, layer) => sum + layer, 0);
      const { fits, peersNeeded = 0 } = whatFits({ facts: { weightBytes, kvBytesPerToken: 0, split }, contextTokens: 1, freeBytes, peers: peers.map((free, index) => ({ freeBytes: free, isNamed: index % 2 === 0 })) });
      const usable = [freeBytes, ...peers].reduce((sum, free) => sum + Math.max(0, free - SCRATCH), 0);
      if (weightBytes > usable) expect(fits).toBe('no');
      if (peers.some((free) => free - SCRATCH >= weightBytes)) expect(fits).not.toBe('no');
      expect(peersNeeded).toBeLessThanOrEqual(peers.length);
    }), { seed: 11, numRuns: 2000 });
  });
});
