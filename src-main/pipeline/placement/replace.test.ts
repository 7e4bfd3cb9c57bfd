import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lackedBytes, randomRequest } from '../../../test/support/placements.ts';
import { asPeerId, isCoded, layerCount, type PeerId } from '../../base/index.ts';
import { planPlacement, type PlacedStage } from './plan.ts';
import { replaceStage } from './replace.ts';
import { roomOf } from './model.ts';
import type { NodeFacts, PlacementRequest } from './request.ts';

const node = (peer: string, facts: Partial<NodeFacts> = {}): NodeFacts =>
  ({ peer: asPeerId(peer), addresses: [], backend: 'cpu', freeBytes: 2e9, decodeBytesPerSecond: 1e11, prefillFlopsPerSecond: 1e12, shards: [], fetchBytesPerSecond: 1e9, ...facts });

/** Four layers of 1 GB; nodes have room for two. */
const request = (nodes: readonly NodeFacts[]): PlacementRequest => ({
  layers: Array.from({ length: 4 }, () => ({ weightBytes: 1e9, flops: 1e6, kvBytesPerToken: 0, activationBytes: 1e4 })), nodes, links: [], unmeasuredLink: { rttMs: 1, bytesPerSecond: 1e9 },
  coordinator: asPeerId('me'), boundaryMs: 0.1, batchTokens: 512, load: { promptTokens: 100, answerTokens: 100, contextTokens: 1, sessions: 1, waitingSessions: 0 },
});
const both = [node('a', { shards: [{ first: 0, last: 1 }] }), node('b', { shards: [{ first: 2, last: 3 }] })];
const lose = (nodes: readonly NodeFacts[], ...lost: string[]) => {
  const plan = planPlacement(request([...both]));
  const withReplicas = planPlacement(request(nodes));
  expect(withReplicas.stages.map(({ peer }) => peer)).toEqual(plan.stages.map(({ peer }) => peer));
  return replaceStage(request(nodes), withReplicas, { stage: 0, lost: new Set(lost.map(asPeerId)) });
};
const asRanges = (stages: readonly PlacedStage[]): unknown => stages.map(({ peer, layers }) => [peer, layers.first, layers.last]);

describe('replaceStage', () => {
  it('takes the replica', () => {
    const { stages, how } = lose([...both, node('slow', { decodeBytesPerSecond: 1e10 })], 'a');
    expect([how, asRanges(stages)]).toEqual(['replica', [['slow', 0, 1]]]);
  });

  it('takes the next replica when the first is lost too', () => {
    const nodes = [...both, ...['c', 'd', 'e', 'f'].map((peer, i) => node(peer, { decodeBytesPerSecond: 5e10 / (i + 1) }))];
    const { replicas } = planPlacement(request(nodes)).stages[0]!;
    expect(replicas.length).toBe(2);
    const { how, stages } = lose(nodes, 'a', replicas[0]!);
    expect([how, stages[0]?.peer]).toEqual(['replica', replicas[1]]);
  });

  it('takes a node in no stage that is no replica, and counts its fetch', () => {
    const nodes = [...both, ...['c', 'd', 'e', 'f', 'g'].map((peer) => node(peer, { decodeBytesPerSecond: 1e10 }))];
    const plan = planPlacement(request(nodes));
    const replicas = plan.stages.flatMap((stage) => stage.replicas);
    const rest = nodes.map(({ peer }) => peer).filter((peer) => !replicas.includes(peer) && !['a', 'b'].includes(peer));
    const found = replaceStage(request(nodes), plan, { stage: 0, lost: new Set(replicas) });
    expect([found.how, found.stages[0]?.peer, found.readyMs]).toEqual(['spare', rest[0], 2000]);
  });

  it('takes a node that runs a stage already, when it has room for both', () => {
    const roomy = [both[0]!, node('b', { freeBytes: 4e9, shards: [{ first: 2, last: 3 }], decodeBytesPerSecond: 2e10 })];
    const stages = planPlacement(request(both)).stages;
    expect(replaceStage(request(roomy), { stages }, { stage: 0, lost: new Set() })).toMatchObject({ how: 'shared', stages: [{ peer: 'b', layers: { first: 0, last: 1 } }] });
    const tight = [both[0]!, node('b', { freeBytes: 3.9e9, shards: [{ first: 2, last: 3 }] })];
    expect(() => replaceStage(request(tight), { stages }, { stage: 0, lost: new Set() })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT', meta: { layer: 0, totalLayers: 4 } }));
  });

  it('splits the range when no node has room for it all', () => {
    const { how, stages } = lose([...both, node('c', { freeBytes: 1e9 }), node('d', { freeBytes: 1e9 })], 'a');
    expect(how).toBe('split');
    expect(stages.map(({ layers }) => layerCount(layers))).toEqual([1, 1]);
  });

  it('covers exactly the lost layers with nodes that are left and have room, or says that it cannot', () => {
    const seen = new Map<string, number>();
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 2, max: 7 }), fc.boolean(), (seed, nodes, isRagged) => {
      const asked = randomRequest({ seed, nodes, layers: 6, objective: 'latency', room: 2, isRagged });
      const plan = planned(asked);
      if (plan === undefined) return;
      const stage = seed % plan.stages.length;
      const gone = plan.stages[stage]!;
      const lost = new Set<PeerId>(gone.replicas.slice(0, 1));
      try {
        const { how, stages } = replaceStage(asked, plan, { stage, lost });
        seen.set(how, (seen.get(how) ?? 0) + 1);
        expect([stages[0]?.layers.first, stages.at(-1)?.layers.last]).toEqual([gone.layers.first, gone.layers.last]);
        stages.slice(1).forEach(({ layers }, s) => expect(layers.first).toBe(stages[s]!.layers.last + 1));
        for (const { peer, layers, needBytes } of stages) {
          expect([gone.peer, ...lost]).not.toContain(peer);
          const facts = asked.nodes.find((other) => other.peer === peer)!;
          expect(needBytes + plan.stages.reduce((sum, other) => sum + (other.peer === peer ? other.needBytes : 0), 0)).toBeLessThanOrEqual(roomOf(facts));
          if (facts.fetchBytesPerSecond === undefined) expect(lackedBytes(asked, facts.shards, { from: layers.first, to: layers.last + 1 })).toBe(0);
        }
      } catch (error) {
        if (!isCoded(error, 'PIPELINE_NO_PLACEMENT')) throw error;
        seen.set('none', (seen.get('none') ?? 0) + 1);
      }
    }), { numRuns: 300, seed: 7 });
    expect([...seen.keys()].sort()).toEqual(['none', 'replica', 'shared', 'spare', 'split']);
  });
});

function planned(asked: PlacementRequest): ReturnType<typeof planPlacement> | undefined {
  try {
    return planPlacement(asked);
  } catch (error) {
    if (isCoded(error)) return undefined;
    throw error;
  }
}
