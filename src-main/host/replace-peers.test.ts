import { describe, expect, it } from 'vitest';
import { asManifestCid, asPeerId, type LayerRange, type PeerId } from '../base/index.ts';
import type { FetchAbility, LayerFacts, LayerSupply, Loss, NodeReport, StageAssignment } from '../pipeline/index.ts';
import { placeOverPeers, type MeasuredPair, type PeerFacts } from './place-peers.ts';
import { chooseByPlan } from './replace-peers.ts';

const MB = 1_000_000;
const layers: LayerFacts[] = Array.from({ length: 6 }, () => ({ weightBytes: 100 * MB, flops: 100 * MB, kvBytesPerToken: 4096, activationBytes: 4096 }));
const [A, B, C] = [{ first: 0, last: 1 }, { first: 2, last: 3 }, { first: 4, last: 5 }] as const;
const ALL = [A, B, C];

type Change = Partial<NodeReport> & { readonly shards?: readonly LayerRange[] };
const peer = (name: string, { shards = ALL, ...node }: Change = {}): PeerFacts => ({
  peer: asPeerId(name), addresses: [`/to/${name}`], rttMs: 1, bytesPerSecond: undefined, shards: shards.map((range) => ({ layers: range, sizeBytes: 1 })),
  node: { backend: 'cpu', freeBytes: 250 * MB, decodeBytesPerSecond: 10_000 * MB, prefillBytesPerSecond: 80_000 * MB, isMeasured: true, ...node },
});

interface Case {
  /** Ran a, b, c: layers 0-1, 2-3, 4-5. */
  readonly lost: readonly string[];
  /** As they were at the plan, besides a, b, c. */
  readonly spares: readonly PeerFacts[];
  readonly measured?: readonly MeasuredPair[];
  /** How nodes describe themselves after the loss. */
  readonly now?: Readonly<Record<string, Partial<NodeReport>>>;
  readonly supplies?: readonly LayerSupply[];
}

const route: StageAssignment[] = [['a', A], ['b', B], ['c', C]].map(([name, range]) => ({ peer: name as PeerId, addresses: [], layers: range as LayerRange }));

/** Who takes each lost range. */
function chosen({ lost, spares, measured = [], now = {}, supplies = [] }: Case): string[][] {
  const trio = [peer('a', { shards: [A] }), peer('b', { shards: [B] }), peer('c', { shards: [B, C] })];
  const near: MeasuredPair[] = trio.flatMap((one, i) => [...trio.slice(i + 1), ...spares].map((other) => ({ a: one.peer, b: other.peer, rttMs: 1 })));
  const peers = [...trio, ...spares];
  const plan = placeOverPeers({ layers, peers, coordinator: asPeerId('me'), measured: [...measured, ...near], contextTokens: 1024, batchTokens: 256 });
  const choose = chooseByPlan({ ...plan, peers });
  // The stages that stand have taken their memory.
  const standing = peers.filter((one) => !lost.includes(one.peer)).map((one) => ({ ...one, node: { ...one.node, ...(trio.includes(one) ? { freeBytes: 45 * MB } : {}), ...now[one.peer] } }));
  const kept = route.filter((stage) => !lost.includes(stage.peer));
  const taken: StageAssignment[] = [];
  return route.filter((stage) => lost.includes(stage.peer)).map(({ layers: range }) => {
    const loss: Loss = { range, route, kept, chosen: taken, standing, supplies };
    const stages = choose(loss);
    expect([stages[0]?.layers.first, stages.at(-1)?.layers.last]).toEqual([range.first, range.last]);
    taken.push(...stages);
    return stages.map((stage) => String(stage.peer));
  });
}

describe('a lost range goes to', () => {
  it('whom measured links bring nearest to its neighbours', () => {
    const far = (name: string): MeasuredPair[] => ['a', 'b', 'c'].map((other) => ({ a: other, b: name, rttMs: 300 }));
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], measured: far('x') })).toEqual([['y']]);
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], measured: far('y') })).toEqual([['x']]);
  });

  it('whom memory allows, as it is now', () => {
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], now: { x: { freeBytes: 100 * MB } } })).toEqual([['y']]);
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], now: { y: { freeBytes: 100 * MB } } })).toEqual([['x']]);
  });

  it('whom speed commends, as it is now', () => {
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], now: { x: { decodeBytesPerSecond: 1000 * MB } } })).toEqual([['y']]);
    expect(chosen({ lost: ['b'], spares: [peer('x'), peer('y')], now: { y: { decodeBytesPerSecond: 1000 * MB } } })).toEqual([['x']]);
  });

  it('a neighbour with room for it rather than to somebody far away', () => {
    const far = ['a', 'b', 'c'].map((other): MeasuredPair => ({ a: other, b: 'x', rttMs: 300 }));
    const spare = { lost: ['b'], spares: [peer('x')], measured: far };
    expect(chosen(spare)).toEqual([['x']]);
    expect(chosen({ ...spare, now: { c: { freeBytes: 300 * MB } } })).toEqual([['c']]);
  });

  it('the same backend, also where another is faster', () => {
    const cuda = peer('x', { backend: 'cuda', decodeBytesPerSecond: 100_000 * MB });
    expect(chosen({ lost: ['b'], spares: [cuda, peer('y')] })).toEqual([['y']]);
    expect(chosen({ lost: ['b'], spares: [cuda] })).toEqual([['x']]);
  });

  it('two nodes when two are lost and none has room for both; one when it has', () => {
    expect(chosen({ lost: ['a', 'b'], spares: [peer('x'), peer('y')] }).flat().toSorted()).toEqual(['x', 'y']);
    expect(chosen({ lost: ['a', 'b'], spares: [peer('x', { freeBytes: 500 * MB })] })).toEqual([['x'], ['x']]);
  });

  it('several where one alone holds too little', () => {
    const [first, second] = [{ first: 2, last: 2 }, { first: 3, last: 3 }];
    expect(chosen({ lost: ['b'], spares: [peer('x', { shards: [first] }), peer('y', { shards: [second] })] })).toEqual([['x', 'y']]);
  });

  describe('that nobody holds goes to', () => {
    const supplies = [{ manifestCid: asManifestCid('cut'), shards: [{ layers: { first: 2, last: 2 }, sizeBytes: 100 * MB }, { layers: { first: 3, last: 3 }, sizeBytes: 100 * MB }], sources: [] }];
    const fetcher = (name: string, bytesPerSecond: number, { freeBytes = 1000 * MB, ...more }: Partial<FetchAbility> & Change = {}): PeerFacts => peer(name, { shards: [], fetch: { freeBytes, bytesPerSecond, isMeasured: true }, ...more, freeBytes: 250 * MB });

    it('whom the fetch takes least', () => {
      expect(chosen({ lost: ['b'], supplies, spares: [fetcher('x', 10 * MB), fetcher('y', 20 * MB)] })).toEqual([['y']]);
      expect(chosen({ lost: ['b'], supplies, spares: [fetcher('x', 20 * MB), fetcher('y', 10 * MB)] })).toEqual([['x']]);
    });

    it('who has a part of it already', () => {
      expect(chosen({ lost: ['b'], supplies, spares: [fetcher('x', 15 * MB), fetcher('y', 10 * MB, { shards: [{ first: 2, last: 2 }] })] })).toEqual([['y']]);
    });

    it('who has room for it on disk; several where one has not', () => {
      expect(chosen({ lost: ['b'], supplies, spares: [fetcher('x', 20 * MB, { freeBytes: 50 * MB }), fetcher('y', 10 * MB)] })).toEqual([['y']]);
      expect(chosen({ lost: ['b'], supplies, spares: [fetcher('x', 20 * MB, { freeBytes: 120 * MB }), fetcher('y', 10 * MB, { freeBytes: 120 * MB })] }).flat().toSorted()).toEqual(['x', 'y']);
      expect(() => chosen({ lost: ['b'], supplies, spares: [fetcher('x', 20 * MB, { freeBytes: 50 * MB })] })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
    });

    it('nobody, where there is nowhere to fetch it from or nobody fetches', () => {
      for (const none of [{ spares: [fetcher('x', 10 * MB)] }, { spares: [peer('x', { shards: [] })], supplies }]) {
        expect(() => chosen({ lost: ['b'], ...none })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
      }
    });
  });

  it('somebody who came after the plan, when nobody else is there', () => {
    const plan = placeOverPeers({ layers, peers: [peer('a', { shards: [A] }), peer('b', { shards: [B] }), peer('c', { shards: [C] })], coordinator: asPeerId('me'), contextTokens: 1024, batchTokens: 256 });
    const choose = chooseByPlan({ ...plan, peers: [] });
    const kept = route.filter(({ peer: one }) => one !== 'b');
    expect(choose({ range: B, route, kept, chosen: [], standing: [peer('late')], supplies: [] })).toEqual([{ peer: 'late', addresses: ['/to/late'], layers: B }]);
  });

  it('nobody, where nobody holds it or has room', () => {
    expect(() => chosen({ lost: ['b'], spares: [peer('x', { shards: [A] })] })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
    expect(() => chosen({ lost: ['b'], spares: [peer('x')], now: { x: { freeBytes: 1 } } })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
  });
});
