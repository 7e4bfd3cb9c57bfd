import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { randomRequest } from '../../../test/support/placements.ts';
import { correctFactor, learn, type Corrections } from './correction.ts';
import { planPlacement, type PlacedStage } from './plan.ts';
import type { PlacementRequest } from './request.ts';

/** Runs the plan on nodes whose real times are `slowness` times what they claim. */
function measure(stages: readonly PlacedStage[], slowness: ReadonlyMap<string, number>) {
  const real = (stage: PlacedStage, ms: number, factor: number): number => (ms / factor) * (slowness.get(stage.peer) ?? 1);
  return {
    promptTokens: 110, reusedTokens: 10,
    stages: stages.map((stage) => ({
      msPerToken: real(stage, stage.predicted.decodeMs, stage.predicted.correction.decode),
      prefillMs: 100 * real(stage, stage.predicted.prefillMsPerToken, stage.predicted.correction.prefill),
    })),
  };
}

/** Two nodes, each with room for all but a little of the model, so that both must work. */
function twoNodes(): PlacementRequest {
  const base = randomRequest({ seed: 3, nodes: 2, layers: 20, objective: 'throughput', room: 3 });
  const [a, b] = base.nodes;
  const freeBytes = 0.85 * base.layers.reduce((sum, l) => sum + l.weightBytes + l.kvBytesPerToken * base.load.contextTokens * base.load.sessions, 0);
  return { ...base, load: { ...base.load, promptTokens: 0 }, nodes: [{ ...a!, freeBytes, decodeBytesPerSecond: 5e10, stepMs: 0 }, { ...b!, peer: b!.peer, freeBytes, decodeBytesPerSecond: 5e10, stepMs: 0 }] };
}

describe('correction', () => {
  it('plans a node that is twice as slow as it claims as such, after a few answers', () => {
    const request = twoNodes();
    const [liar, honest] = request.nodes.map(({ peer }) => peer);
    const layersOf = (corrections: Corrections, peer: string | undefined): number => planPlacement({ ...request, corrections }).stages.filter((stage) => stage.peer === peer).reduce((sum, { layers }) => sum + layers.last - layers.first + 1, 0);
    expect(layersOf(new Map(), liar)).toBe(10);
    let corrections: Corrections = new Map();
    for (let answer = 0; answer < 6; answer++) {
      const { stages } = planPlacement({ ...request, corrections });
      corrections = learn(corrections, stages, measure(stages, new Map([[liar!, 2]])));
    }
    expect(corrections.get(liar!)?.decode).toBeGreaterThan(1.8);
    expect(corrections.get(honest!)?.decode).toBeCloseTo(1);
    expect(layersOf(corrections, liar)).toBe(7);
    const { predicted } = planPlacement({ ...request, corrections }).stages.find(({ peer }) => peer === liar)!;
    expect(predicted.correction.decode).toBe(corrections.get(liar!)?.decode);
  });

  it('settles on the truth while one plan runs on, and does not run past it', () => {
    const request = twoNodes();
    const { stages } = planPlacement(request);
    let corrections: Corrections = new Map();
    for (let answer = 0; answer < 50; answer++) corrections = learn(corrections, stages, measure(stages, new Map([[stages[0]!.peer, 3]])));
    expect(corrections.get(stages[0]!.peer)?.decode).toBeCloseTo(3);
    expect(corrections.get(stages[0]!.peer)?.prefill).toBeCloseTo(3);
  });

  it('moves little for one answer that is far off', () => {
    const once = correctFactor(1, { predictedMs: 10, usedFactor: 1, measuredMs: 10_000 });
    expect(once).toBeLessThan(1.6);
    expect(correctFactor(once, { predictedMs: 10, usedFactor: 1, measuredMs: 10 })).toBeLessThan(1.4);
  });

  it('stays bounded, and learns nothing from what is no measurement', () => {
    fc.assert(fc.property(fc.array(fc.record({ predictedMs: fc.double(), usedFactor: fc.double(), measuredMs: fc.double() })), (observations) => {
      const factor = observations.reduce(correctFactor, 1);
      expect(factor).toBeGreaterThanOrEqual(1 / 16);
      expect(factor).toBeLessThanOrEqual(16);
    }));
    for (const measuredMs of [0, -1, Number.NaN, Infinity]) expect(correctFactor(1.5, { predictedMs: 10, usedFactor: 1, measuredMs })).toBe(1.5);
  });

  it('changes nothing for a stage that did not report', () => {
    const { stages } = planPlacement(twoNodes());
    const before: Corrections = new Map([[stages[0]!.peer, { decode: 2, prefill: 1 }]]);
    expect(learn(before, stages, { promptTokens: 1, reusedTokens: 0, stages: [undefined, undefined] })).toEqual(before);
  });
});
