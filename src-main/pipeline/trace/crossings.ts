import type { StageTrace, TraceStep } from './request-trace.ts';

/** One frame's way over a boundary; negative where the clocks do not fit. */
export interface Crossing {
  readonly step: TraceStep;
  readonly sentMs: number;
  readonly arrivedMs: number;
}

/** When a step's frame was there: all that its stage spent on it lies between that and the end of the pass. */
export const startOf = ({ endMs, computeUs, serialiseUs, waitUs }: TraceStep): number => endMs - (computeUs + serialiseUs + waitUs) / 1000;

/** What went from `from` to `to`. The last stage's row at p gives the token that stage 0 feeds at p + 1, unless it had guessed it. */
export function crossingsBetween(from: StageTrace, to: StageTrace): Crossing[] {
  const isToken = to.stage === 0;
  const arrivals = new Map(to.steps.filter((step) => !isToken || (!step.isPrefill && !step.isDraft)).map((step) => [step.position, step]));
  return from.steps.flatMap((step): Crossing[] => {
    const next = arrivals.get(isToken ? step.position + step.rows : step.position);
    return next === undefined ? [] : [{ step, sentMs: step.endMs, arrivedMs: startOf(next) }];
  });
}
