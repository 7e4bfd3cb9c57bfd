import { toCoded, type Clock } from '../../base/index.ts';
import type { DecodeLane, LaneListener, LaneLoss, LaneRow, LaneStats, LaneToken, StageEngine, StageOutput } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { RunnerMetrics } from '../metrics.ts';
import { PromptSlice } from './prompt-slice.ts';
import type { StageSession, WorkItem } from './stage-session.ts';
import { StepLoop } from './step-loop.ts';
import type { StepTiming } from './step-stats.ts';

export interface EngineEntryInit {
  readonly engine: StageEngine;
  readonly modelHash: string;
  readonly batchTokens: number;
  readonly prefillSliceMs: number;
  readonly clock: Clock;
  readonly metrics: RunnerMetrics;
  readonly deliver: (item: WorkItem, output: StageOutput, spent: StepTiming) => void;
  readonly onLane: LaneEvents;
}

/** What a lane tells, with the session it is about. */
export interface LaneEvents {
  onToken(session: StageSession, token: LaneToken): void;
  onHidden(session: StageSession, row: LaneRow): void;
  onLost(session: StageSession, loss: LaneLoss): void;
}

/** A loaded range: its engine, the loop that feeds it, the sessions that use it. */
export class EngineEntry {
  readonly engine: StageEngine;
  readonly modelHash: string;
  readonly batchTokens: number;
  readonly loop: StepLoop;
  readonly sessions = new Set<StageSession>();
  readonly slice: PromptSlice;
  /** Undefined where the engine has none. */
  lane: DecodeLane | undefined;
  readonly #onLane: LaneEvents;
  readonly #metrics: RunnerMetrics;

  constructor(init: EngineEntryInit) {
    this.engine = init.engine;
    this.modelHash = init.modelHash;
    this.batchTokens = init.batchTokens;
    this.slice = new PromptSlice(init.prefillSliceMs, () => [...this.sessions].map((session) => session.init.control));
    this.loop = new StepLoop({ ...init, onPrefill: (rows, ms) => this.slice.observe(rows, ms) });
    this.#onLane = init.onLane;
    this.#metrics = init.metrics;
  }

  /** How long the present pass runs, µs; 0 when idle. */
  get busyUs(): number {
    return Math.max(this.loop.busyUs, this.lane?.busyUs() ?? 0);
  }

  /** @throws ENGINE_NO_LANE */
  async openLane(bindHost: string): Promise<void> {
    this.lane = await this.engine.openLane?.(bindHost, this.#listener());
  }

  /** A run that is over in the lane. */
  countLane({ frames, bytesOut, drafted, accepted, dropped }: LaneStats): void {
    this.#metrics.rows.inc(undefined, frames);
    this.#metrics.laneRows.inc(undefined, frames);
    this.#metrics.sentBytes.inc({ to: 'stage', way: 'lane' }, bytesOut);
    for (const [what, count] of Object.entries({ drafted, accepted, dropped })) this.#metrics.drafts.inc({ what }, count);
  }

  countSent(to: 'stage' | 'coordinator', bytes: number): void {
    this.#metrics.sentBytes.inc({ to, way: 'mesh' }, bytes);
  }

  /** Ends every session with the reason why the engine is gone. */
  fail(reason: unknown): void {
    const error = pipelineErrors.engineLost({ reason: toCoded(reason).message }, reason);
    for (const session of [...this.sessions]) session.init.onFail(error);
  }

  #listener(): LaneListener {
    const tell = (slot: number, act: (session: StageSession) => void): void => {
      for (const session of this.sessions) if (session.init.slot === slot) return act(session);
    };
    return {
      onUp: (slot) => tell(slot, (session) => session.init.lane?.onUp()),
      onLost: (slot, loss) => tell(slot, (session) => this.#onLane.onLost(session, loss)),
      onToken: (slot, token) => tell(slot, (session) => this.#onLane.onToken(session, token)),
      onHidden: (slot, row) => tell(slot, (session) => this.#onLane.onHidden(session, row)),
    };
  }
}
