import { describe, expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import type { Corrections, LayerFacts } from '../pipeline/index.ts';
import { placeOverPeers, type MeasuredPair, type PeerFacts, type PlanLink } from './place-peers.ts';

const MB = 1_000_000;
const layers: LayerFacts[] = Array.from({ length: 8 }, () => ({ weightBytes: 100 * MB, flops: 100 * MB, kvBytesPerToken: 4096, activationBytes: 4096 }));
const peer = (name: string, change: Partial<PeerFacts['node']> & { readonly rttMs?: number; readonly shards?: readonly (readonly [number, number])[] } = {}): PeerFacts => {
  const { rttMs = 1, shards = [[0, 1], [2, 3], [4, 5], [6, 7]], ...node } = change;
  return {
    peer: asPeerId(name), addresses: [], rttMs, bytesPerSecond: undefined, shards: shards.map(([first, last]) => ({ layers: { first, last }, sizeBytes: 1 })),
    node: { backend: 'cpu', freeBytes: 2000 * MB, decodeBytesPerSecond: 10_000 * MB, prefillBytesPerSecond: 80_000 * MB, isMeasured: true, ...node },
  };
};
const place = (...peers: PeerFacts[]): [string, number, number][] =>
  placeOverPeers({ layers, peers, coordinator: asPeerId('me'), contextTokens: 1024, batchTokens: 256 }).placement.stages.map((stage) => [stage.peer, stage.layers.first, stage.layers.last]);

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

  it('the coordinator may be one of them, with no way to itself', () => {
    expect(place(peer('me', { freeBytes: 500 * MB, rttMs: 0 }), peer('a', { freeBytes: 700 * MB })).map(([name]) => name).sort()).toEqual(['a', 'me']);
    expect(place(peer('me', { rttMs: 0 }), peer('a', { rttMs: 20 }))).toEqual([['me', 0, 7]]);
    const { links } = placeOverPeers({ layers, peers: [peer('me', { rttMs: 0 }), peer('a'), peer('b')], coordinator: asPeerId('me'), contextTokens: 1024, batchTokens: 256 });
    expect(links.map(({ a, b }) => [a, b])).toEqual([['me', 'a'], ['me', 'b'], ['a', 'b']]);
  });

  it('each runs what it holds', () => {
    expect(place(peer('a', { shards: [[0, 2]] }), peer('b', { shards: [[3, 7]] }))).toEqual([['a', 0, 2], ['b', 3, 7]]);
  });

  it('says which layer nobody has, and how much memory is missing', () => {
    expect(() => place(peer('a', { shards: [[0, 3]] }))).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT', meta: expect.objectContaining({ layer: 4 }) }));
    expect(() => place(peer('a', { freeBytes: 300 * MB }))).toThrow(expect.objectContaining({ code: 'PIPELINE_DOES_NOT_FIT' }));
  });
});

describe('layers that nobody holds', () => {
  const fetch = { freeBytes: 2000 * MB, bytesPerSecond: 10 * MB, isMeasured: true };
  const plan = (...peers: PeerFacts[]) => placeOverPeers({ layers, peers, coordinator: asPeerId('me'), contextTokens: 1024, batchTokens: 256, mayFetch: true }).placement;
  const names = (...peers: PeerFacts[]) => plan(...peers).stages.map((stage) => [stage.peer, stage.layers.first, stage.layers.last]);

  it('are fetched by who can, and the plan says how long that takes', () => {
    const { stages, explanation } = plan(peer('a', { shards: [[0, 3]], freeBytes: 450 * MB }), peer('b', { shards: [], fetch }));
    expect(stages.map((stage) => [stage.peer, stage.layers.first, stage.layers.last])).toEqual([['a', 0, 3], ['b', 4, 7]]);
    expect(explanation.join(' ')).toContain('Fetching shards takes about 40 s first.');
  });

  it('or nobody who holds them has room for, because the pieces are too large', () => {
    expect(names(peer('a', { shards: [[0, 7]], freeBytes: 450 * MB, fetch }), peer('b', { shards: [], freeBytes: 450 * MB, fetch })).map(([name]) => name).sort()).toEqual(['a', 'b']);
  });

  it('are no reason to fetch others: what is held is used', () => {
    expect(names(peer('a', { decodeBytesPerSecond: 1000 * MB }), peer('b', { shards: [], fetch }))).toEqual([['a', 0, 7]]);
  });

  it('are missing where nobody fetches, or has room on disk', () => {
    expect(() => names(peer('a', { shards: [[0, 3]] }), peer('b', { shards: [] }))).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
    expect(() => names(peer('a', { shards: [[0, 3]] }), peer('b', { shards: [], fetch: { ...fetch, freeBytes: 50 * MB } }))).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
  });
});

describe('links between peers', () => {
  const two = [peer('a', { freeBytes: 700 * MB, rttMs: 2 }), peer('b', { freeBytes: 700 * MB, rttMs: 8 })];
  const plan = (measured: readonly MeasuredPair[], peers = two) => placeOverPeers({ layers, peers, coordinator: asPeerId('me'), measured, contextTokens: 1024, batchTokens: 256 });
  const between = (links: readonly PlanLink[]): PlanLink | undefined => links.find(({ a, b }) => a === 'a' && b === 'b');

  it('are as measured, whichever of the two measured them', () => {
    expect(between(plan([{ a: 'b', b: 'a', rttMs: 40, bytesPerSecond: 5e6 }]).links)).toMatchObject({ rttMs: 40, bytesPerSecond: 5e6, isRttAssumed: false, isBandwidthAssumed: false });
  });

  it('that nobody measured are taken for as long as the farther one is from here, and said to be assumed', () => {
    expect(between(plan([]).links)).toMatchObject({ rttMs: 8, isRttAssumed: true, isBandwidthAssumed: true });
    expect(between(plan([{ a: 'a', b: 'b', rttMs: 40 }]).links)).toMatchObject({ rttMs: 40, isRttAssumed: false, isBandwidthAssumed: true });
    expect(plan([]).links.filter(({ a }) => a === 'me').map(({ isRttAssumed, isBandwidthAssumed }) => [isRttAssumed, isBandwidthAssumed])).toEqual([[false, true], [false, true]]);
  });

  it('decide who are neighbours: two near each other are taken, however far from here', () => {
    const small = { freeBytes: 700 * MB };
    const peers = [peer('a', { ...small, rttMs: 5 }), peer('b', { ...small, rttMs: 10 }), peer('c', { ...small, rttMs: 10 })];
    const chosen = (measured: readonly MeasuredPair[]) => plan(measured, peers).placement.stages.map((stage) => String(stage.peer)).toSorted();
    const far = (a: string, b: string): MeasuredPair => ({ a, b, rttMs: 100 });
    expect(chosen([far('a', 'b'), far('a', 'c'), { a: 'b', b: 'c', rttMs: 0.2 }])).toEqual(['b', 'c']);
    expect(chosen([far('b', 'c'), far('a', 'c'), { a: 'a', b: 'b', rttMs: 0.2 }])).toEqual(['a', 'b']);
  });

  it('corrections make a node that was slower than it tells the second choice', () => {
    const peers = [peer('a', { decodeBytesPerSecond: 11_000 * MB }), peer('b')];
    const chosen = (corrections: Corrections) => placeOverPeers({ layers, peers, coordinator: asPeerId('me'), corrections, contextTokens: 1024, batchTokens: 256 }).placement.stages.map((stage) => stage.peer);
    expect(chosen(new Map())).toEqual(['a']);
    expect(chosen(new Map([[asPeerId('a'), { decode: 2, prefill: 1 }]]))).toEqual(['b']);
  });
});
