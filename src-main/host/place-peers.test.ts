import { describe, expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import type { LayerFacts } from '../pipeline/index.ts';
import { placeOverPeers, type PeerFacts } from './place-peers.ts';

const MB = 1_000_000;
const layers: LayerFacts[] = Array.from({ length: 8 }, () => ({ weightBytes: 100 * MB, flops: 100 * MB, kvBytesPerToken: 4096, activationBytes: 4096 }));
const peer = (name: string, change: Partial<PeerFacts['node']> & { readonly rttMs?: number; readonly shards?: readonly (readonly [number, number])[] } = {}): PeerFacts => {
  const { rttMs = 1, shards = [[0, 1], [2, 3], [4, 5], [6, 7]], ...node } = change;
  return {
    peer: asPeerId(name), addresses: [], rttMs, shards: shards.map(([first, last]) => ({ layers: { first, last }, sizeBytes: 1 })),
    node: { backend: 'cpu', freeBytes: 2000 * MB, decodeBytesPerSecond: 10_000 * MB, prefillBytesPerSecond: 80_000 * MB, isMeasured: true, ...node },
  };
};
const place = (...peers: PeerFacts[]): [string, number, number][] =>
  placeOverPeers({ layers, peers, coordinator: asPeerId('me'), contextTokens: 1024, batchTokens: 256 }).stages.map((stage) => [stage.peer, stage.layers.first, stage.layers.last]);

describe('peers get layers by what they tell and how far they are', () => {
  it('one that holds and fits everything runs it alone: splitting would be slower', () => {
    expect(place(peer('a'), peer('b'))).toEqual([['a', 0, 7]]);
    expect(place(peer('a'), peer('b', { decodeBytesPerSecond: 20_000 * MB }))).toEqual([['b', 0, 7]]);
  });

  it('what does not fit one is split where shards allow it', () => {
    const stages = place(peer('a', { freeBytes: 700 * MB }), peer('b', { freeBytes: 700 * MB }));
    expect(stages).toHaveLength(2);
    expect(stages.map(([, first]) => first % 2)).toEqual([0, 0]);
  });

  it('a far node is left out when near ones suffice', () => {
    expect(place(peer('far', { freeBytes: 700 * MB, rttMs: 300 }), peer('a', { freeBytes: 700 * MB }), peer('b', { freeBytes: 700 * MB })).map(([name]) => name).sort()).toEqual(['a', 'b']);
  });

  it('each runs what it holds', () => {
    expect(place(peer('a', { shards: [[0, 2]] }), peer('b', { shards: [[3, 7]] }))).toEqual([['a', 0, 2], ['b', 3, 7]]);
  });

  it('says which layer nobody has, and how much memory is missing', () => {
    expect(() => place(peer('a', { shards: [[0, 3]] }))).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT', meta: expect.objectContaining({ layer: 4 }) }));
    expect(() => place(peer('a', { freeBytes: 300 * MB }))).toThrow(expect.objectContaining({ code: 'PIPELINE_DOES_NOT_FIT' }));
  });
});
