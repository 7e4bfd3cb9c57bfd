import { toCoded, type Clock } from '../../base/index.ts';
import type { StageEngine, StageOutput } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { RunnerMetrics } from '../metrics.ts';
import type { PathTiming } from '../wire/frame.ts';
import type { StageSession, WorkItem } from './stage-session.ts';
import { StepLoop } from './step-loop.ts';

export interface EngineEntryInit {
  readonly engine: StageEngine;
  readonly batchTokens: number;
  readonly clock: Clock;
  readonly metrics: RunnerMetrics;
  readonly deliver: (item: WorkItem, output: StageOutput, spent: PathTiming) => void;
}

/** A loaded range: its engine, the loop that feeds it, the sessions that use it. */
export class EngineEntry {
  readonly engine: StageEngine;
  readonly batchTokens: number;
  readonly loop: StepLoop;
  readonly sessions = new Set<StageSession>();

  constructor(init: EngineEntryInit) {
    this.engine = init.engine;
    this.batchTokens = init.batchTokens;
    this.loop = new StepLoop(init);
  }

  /** Ends every session with the reason why the engine is gone. */
  fail(reason: unknown): void {
    const error = pipelineErrors.engineLost({ reason: toCoded(reason).message }, reason);
    for (const session of [...this.sessions]) session.init.onFail(error);
  }
}
