import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cheapestByHand, costByHand, lackedBytes, randomRequest, type TriedStage } from '../../../test/support/placements.ts';
import { asPeerId } from '../../base/index.ts';
import { planPlacement, type Placement } from './plan.ts';
import { chooseObjective, type LinkFacts, type NodeFacts, type PlacementRequest } from './request.ts';

const asTried = ({ nodes }: PlacementRequest, { stages }: Placement): TriedStage[] => stages.map(({ peer, layers }) => ({ node: nodes.findIndex((node) => node.peer === peer), from: layers.first, to: layers.last + 1 }));

/** What a plan must hold whatever it was made from. */
function expectSane(request: PlacementRequest, plan: Placement): void {
  expect(plan.stages[0]?.layers.first).toBe(0);
  expect(plan.stages.at(-1)?.layers.last).toBe(request.layers.length - 1);
  plan.stages.slice(1).forEach(({ layers }, s) => expect(layers.first).toBe((plan.stages[s]?.layers.last ?? 0) + 1));
  const replicas = plan.stages.flatMap((stage) => stage.replicas);
  const used = [...plan.stages.map(({ peer }) => peer), ...replicas];
  expect(new Set(used).size).toBe(used.length);
  for (const { layers, replicas: own } of plan.stages) {
    expect(own.length).toBeLessThanOrEqual(request.maxReplicas ?? 2);
    for (const peer of own) expectHolds(request, peer, { from: layers.first, to: layers.last + 1 });
  }
  expect([...plan.stages.map(({ peer }) => peer), ...plan.leftOut.map(({ peer }) => peer)].sort()).toEqual(request.nodes.map(({ peer }) => peer).sort());
  expect(Object.values(plan.predicted).every(Number.isFinite)).toBe(true);
}

function expectHolds(request: PlacementRequest, peer: string, range: { from: number; to: number }): void {
  const node = request.nodes.find((other) => other.peer === peer)!;
  const need = request.layers.slice(range.from, range.to).reduce((sum, l) => sum + l.weightBytes + l.kvBytesPerToken * request.load.contextTokens * request.load.sessions, 0);
  expect(need).toBeLessThanOrEqual(Math.min(node.freeBytes, node.ownerLimitBytes ?? Infinity));
  if (node.fetchBytesPerSecond === undefined) expect(lackedBytes(request, node.shards, range)).toBe(0);
}

describe('planPlacement against brute force', () => {
  const small = fc.record({
    seed: fc.nat(), nodes: fc.integer({ min: 1, max: 5 }), layers: fc.integer({ min: 1, max: 7 }), objective: fc.constantFrom('latency', 'throughput'),
    room: fc.double({ min: 0.9, max: 8, noNaN: true }), isRagged: fc.boolean(),
  });

  it('is optimal for both objectives, with memory, cuts, shards, limits and missing links', () => {
    const seen = { placed: 0, split: 0, none: 0 };
    fc.assert(fc.property(small, (options) => {
      const request = randomRequest(options);
      const least = cheapestByHand(request);
      if (least === Infinity) {
        seen.none++;
        expect(() => planPlacement(request)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^PIPELINE_(NO_PLACEMENT|DOES_NOT_FIT)$/) }));
        return;
      }
      const plan = planPlacement(request);
      seen.placed++;
      if (plan.stages.length > 1) seen.split++;
      expect(plan.isOptimal).toBe(true);
      expect(plan.cost / least).toBeCloseTo(1, 9);
      expect(costByHand(request, asTried(request, plan)) / least).toBeCloseTo(1, 9);
      expectSane(request, plan);
    }), { numRuns: 400 });
    expect(seen.split).toBeGreaterThan(50);
    expect(seen.placed - seen.split).toBeGreaterThan(20);
    expect(seen.none).toBeGreaterThan(20);
  });

  it('makes sane plans where it cannot try everything', () => {
    fc.assert(fc.property(fc.nat(), fc.constantFrom('latency' as const, 'throughput' as const), fc.constantFrom(20, 70), (seed, objective, nodes) => {
      const request = randomRequest({ seed, nodes, layers: 48, objective, room: nodes === 70 ? 3 : 1.4 });
      expectSane(request, planPlacement(request));
    }), { numRuns: 10 });
  });

  it('is a pure function of its request', () => {
    const request = randomRequest({ seed: 5, nodes: 20, layers: 24, objective: 'throughput', room: 2, isRagged: false });
    expect(planPlacement(request)).toEqual(planPlacement(structuredClone(request)));
  });
});

interface Vector {
  readonly name: string;
  readonly layers: number;
  readonly nodes: readonly (Partial<Omit<NodeFacts, 'peer' | 'shards'>> & { peer: string; shards?: [number, number][] })[];
  readonly rttMs: readonly [a: string, b: string, rttMs: number][];
  readonly request?: Partial<PlacementRequest>;
  readonly stages?: readonly [peer: string, first: number, last: number][];
  readonly replicas?: readonly (readonly string[])[];
  readonly explains?: readonly string[];
  readonly error?: { code: string; meta?: Record<string, unknown> };
}
const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/placement-plan.json', import.meta.url), 'utf8')) as Vector[];

/** Layers of 1 GB that a node with the default speed computes in 10 ms. */
const fromVector = ({ layers, nodes, rttMs, request }: Vector): PlacementRequest => ({
  layers: Array.from({ length: layers }, () => ({ weightBytes: 1e9, flops: 0, kvBytesPerToken: 0, activationBytes: 0 })),
  nodes: nodes.map(({ shards = [], ...node }) => ({ addresses: [], backend: 'cpu', freeBytes: 1e11, decodeBytesPerSecond: 1e11, prefillFlopsPerSecond: 1e12, ...node, peer: asPeerId(node.peer), shards: shards.map(([first, last]) => ({ first, last })) })),
  links: rttMs.map(([a, b, ms]): LinkFacts => ({ a: asPeerId(a), b: asPeerId(b), rttMs: ms, bytesPerSecond: 1e9 })),
  coordinator: asPeerId('me'), boundaryMs: 0, batchTokens: 512, unmeasuredLink: { rttMs: 1, bytesPerSecond: 1e9 },
  load: { promptTokens: 0, answerTokens: 100, contextTokens: 1000, sessions: 1, waitingSessions: 0 }, ...request,
});

describe('planPlacement', () => {
  for (const vector of vectors) {
    it(vector.name, () => {
      const plan = (): Placement => planPlacement(fromVector(vector));
      if (vector.error !== undefined) {
        expect(plan).toThrow(expect.objectContaining({ code: vector.error.code, meta: expect.objectContaining(vector.error.meta ?? {}) }));
        return;
      }
      expect(plan().stages.map(({ peer, layers }) => [peer, layers.first, layers.last])).toEqual(vector.stages);
      if (vector.replicas !== undefined) expect(plan().stages.map(({ replicas }) => replicas)).toEqual(vector.replicas);
      for (const sentence of vector.explains ?? []) expect(plan().explanation).toContain(sentence);
    });
  }

  it('predicts what one stage alone takes from its figures', () => {
    const request = fromVector({ name: '', layers: 4, nodes: [{ peer: 'a', stepMs: 2, prefillFlopsPerSecond: 1e10, shards: [[0, 3]] }], rttMs: [['me', 'a', 8]] });
    const layers = request.layers.map((layer) => ({ ...layer, flops: 1e6 }));
    const { predicted } = planPlacement({ ...request, layers, load: { ...request.load, promptTokens: 1000 } });
    // 4 GB at 100 GB/s and a pass; 1000 tokens x 4 MFLOP at 10 GFLOP/s in two passes, and the way there and back.
    expect(predicted.roundMs).toBeCloseTo(42);
    expect(predicted.ttftMs).toBeCloseTo(400 + 4 + 8);
  });

  it('serves who waits with more throughput, and one alone with less delay', () => {
    expect([0, 1, 9].map((waitingSessions) => chooseObjective({ waitingSessions }))).toEqual(['latency', 'throughput', 'throughput']);
    const vector = { name: '', layers: 4, nodes: [{ peer: 'a', fetchBytesPerSecond: 1e9 }, { peer: 'b', fetchBytesPerSecond: 1e9 }], rttMs: [] };
    const load = { promptTokens: 0, answerTokens: 100, contextTokens: 1, sessions: 8, waitingSessions: 0 };
    const one = planPlacement(fromVector({ ...vector, request: { load } }));
    const many = planPlacement(fromVector({ ...vector, request: { load: { ...load, waitingSessions: 3 } } }));
    expect([one.stages.length, many.stages.length]).toEqual([1, 2]);
    expect(many.predicted.totalTokensPerSecond).toBeGreaterThan(1.9 * one.predicted.totalTokensPerSecond);
    expect(many.predicted.tokensPerSecond).toBeLessThan(one.predicted.tokensPerSecond);
  });

  it('refuses figures that are none', () => {
    const good = fromVector({ name: '', layers: 2, nodes: [{ peer: 'a' }], rttMs: [] });
    const [node] = good.nodes;
    const bad: Partial<PlacementRequest>[] = [
      { layers: [] }, { nodes: [node!, node!] }, { nodes: [{ ...node!, decodeBytesPerSecond: 0 }] }, { nodes: [{ ...node!, freeBytes: Number.NaN }] }, { cutsAllowed: [2] }, { cutsAllowed: [1, 1] },
      { links: [{ a: asPeerId('a'), b: asPeerId('me'), rttMs: -1, bytesPerSecond: 1 }] }, { batchTokens: 0 }, { boundaryMs: Number.NaN }, { load: { ...good.load, sessions: -1 } },
    ];
    for (const change of bad) expect(() => planPlacement({ ...good, ...change }), JSON.stringify(change)).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_OPTION' }));
  });
});
