import { crossingsBetween } from './crossings.ts';
import type { StageTrace } from './request-trace.ts';

/**
 * Where a round trip aligned the clocks so coarsely that a row would have arrived before it was sent, the ring itself knows
 * better: its quickest crossings sum up to a time that no clock can change. Each boundary then gets an even share of it, as
 * in `BoundaryTiming.wireMs`; the stage with the best round trip stays where it is. Gives `stages` back unchanged where
 * nothing contradicts, or where there is no whole ring to go by.
 */
export function settleRing(stages: readonly (StageTrace | undefined)[]): readonly (StageTrace | undefined)[] {
  const ring = stages.filter((stage) => stage !== undefined);
  if (ring.length < 2 || ring.length !== stages.length) return stages;
  const quickest = ring.map((from, index) => crossingsBetween(from, ring[(index + 1) % ring.length] ?? from).reduce((least, { sentMs, arrivedMs }) => Math.min(least, arrivedMs - sentMs), Infinity));
  const aroundMs = quickest.reduce((sum, ms) => sum + ms, 0);
  if (!Number.isFinite(aroundMs) || aroundMs < 0 || quickest.every((ms) => ms >= 0)) return stages;
  const best = ring.reduce((least, stage) => (stage.uncertaintyUs < least.uncertaintyUs ? stage : least));
  // By how much each stage moves against stage 0, then against the one that stays.
  const moves = quickest.slice(0, -1).reduce<number[]>((all, ms) => [...all, (all.at(-1) ?? 0) + aroundMs / ring.length - ms], [0]);
  return ring.map((stage, index) => moved(stage, { byMs: (moves[index] ?? 0) - (moves[best.stage] ?? 0), uncertaintyUs: best.uncertaintyUs, ringUncertaintyUs: aroundMs * 1000 }));
}

function moved(stage: StageTrace, { byMs, ...uncertainty }: { readonly byMs: number; readonly uncertaintyUs: number; readonly ringUncertaintyUs: number }): StageTrace {
  return { ...stage, ...uncertainty, steps: stage.steps.map((step) => ({ ...step, endMs: step.endMs + byMs })) };
}
