import type { StepRecord } from '../wire/steps.ts';
import type { TraceStep } from './request-trace.ts';

/** When a trace was asked for and heard, ms of the coordinator's clock, and how long the stage took over it, µs of its own. */
export interface RoundTrip {
  readonly askedMs: number;
  readonly heardMs: number;
  readonly heldUs: number;
}

export interface AlignedSteps {
  readonly uncertaintyUs: number;
  readonly steps: readonly TraceStep[];
}

/**
 * Puts a stage's steps on the coordinator's clock. The stage says how long before its answer each step was; the answer
 * left half of the way's time before it was heard, give or take the other half (Cristian, "Probabilistic clock
 * synchronization", 1989).
 */
export function alignSteps(records: readonly StepRecord[], { askedMs, heardMs, heldUs }: RoundTrip): AlignedSteps {
  const wayMs = Math.max(0, heardMs - askedMs - heldUs / 1000);
  const toldMs = heardMs - wayMs / 2;
  return { uncertaintyUs: (wayMs / 2) * 1000, steps: records.map(({ ageUs, ...step }) => ({ ...step, endMs: toldMs - ageUs / 1000 })) };
}
