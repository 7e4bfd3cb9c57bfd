import type { PeerId } from '../../base/index.ts';
import type { GenerationStats, StageTiming } from '../coordinator/stats.ts';
import type { PlacedStage } from './plan.ts';

/** How many times as long as its own figures say a node takes; 1: as it says. */
export interface CorrectionFactor {
  readonly decode: number;
  readonly prefill: number;
}

/** Immutable; a node that is not in it is taken at its word. */
export type Corrections = ReadonlyMap<PeerId, CorrectionFactor>;

export const NO_CORRECTION: CorrectionFactor = { decode: 1, prefill: 1 };

/** Share of a new observation, in logarithms: half of the way after two. */
const GAIN = 0.3;
/** One observation counts as at most this many times off the present factor: a paused laptop is no slow laptop. */
const MAX_STEP = 4;
const MAX_FACTOR = 16;

export interface Observation {
  /** Predicted by the plan that ran, with the factor it used. */
  readonly predictedMs: number;
  readonly usedFactor: number;
  readonly measuredMs: number;
}

const clamp = (value: number, limit: number): number => Math.min(limit, Math.max(1 / limit, value));

/**
 * An exponentially weighted geometric mean of measured / claimed, each observation bounded
 * round the present factor. Against the claim, not the prediction: a plan's many generations
 * would else count its one error many times. Unusable observations change nothing.
 */
export function correctFactor(factor: number, { predictedMs, usedFactor, measuredMs }: Observation): number {
  const seen = (measuredMs / predictedMs) * usedFactor;
  if (!Number.isFinite(seen) || seen <= 0) return factor;
  return clamp(factor * clamp(seen / factor, MAX_STEP) ** GAIN, MAX_FACTOR);
}

/** The part of an answer's figures that teaches. */
export interface MeasuredStages extends Pick<GenerationStats, 'promptTokens' | 'reusedTokens'> {
  readonly stages: readonly (Pick<StageTiming, 'msPerToken' | 'prefillMs'> | undefined)[];
}

/** What one generation over `stages` teaches; stages that did not report teach nothing. */
export function learn(corrections: Corrections, stages: readonly PlacedStage[], stats: MeasuredStages): Corrections {
  const next = new Map(corrections);
  const prefilled = stats.promptTokens - stats.reusedTokens;
  stages.forEach(({ peer, predicted }, s) => {
    const timing = stats.stages[s];
    if (timing === undefined) return;
    const { decode, prefill } = next.get(peer) ?? NO_CORRECTION;
    next.set(peer, {
      decode: correctFactor(decode, { predictedMs: predicted.decodeMs, usedFactor: predicted.correction.decode, measuredMs: timing.msPerToken ?? Number.NaN }),
      prefill: correctFactor(prefill, { predictedMs: predicted.prefillMsPerToken * prefilled, usedFactor: predicted.correction.prefill, measuredMs: timing.prefillMs }),
    });
  });
  return next;
}
