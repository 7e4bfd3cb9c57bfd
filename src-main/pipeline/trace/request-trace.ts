import type { LayerRange, PeerId } from '../../base/index.ts';
import type { HeardToken } from '../coordinator/token-times.ts';
import type { StepRecord } from '../wire/steps.ts';

/** One frame on one stage; `endMs`: when its pass ended, by the coordinator's clock as far as that is known. */
export interface TraceStep extends Omit<StepRecord, 'ageUs'> {
  readonly endMs: number;
}

export interface StageTrace {
  readonly stage: number;
  readonly peer: PeerId;
  readonly layers: LayerRange;
  /** The stage's times may be off by this much either way: half of the round trip that aligned them. */
  readonly uncertaintyUs: number;
  /** Against the other stages, where the ring aligned them. */
  readonly ringUncertaintyUs?: number;
  /** Of the answer's last run, the newest 4,096; in order of position. */
  readonly steps: readonly TraceStep[];
}

/** One answer, step by step. Times are ms of the coordinator's monotonic clock. */
export interface RequestTrace {
  readonly startedMs: number;
  /** When it had a place on the stages; undefined when it never had. */
  readonly placedMs: number | undefined;
  readonly endedMs: number;
  readonly promptTokens: number;
  readonly reusedTokens: number;
  /** Steps are those on the last stages. */
  readonly failovers: number;
  readonly tokens: readonly HeardToken[];
  /** Undefined: a stage that does not know traces, or did not answer in time. */
  readonly stages: readonly (StageTrace | undefined)[];
}
