import type { Clock, PeerId } from '../../base/index.ts';
import type { StageDtypes, StageInput } from '../../inference/index.ts';
import { pipelineErrors } from '../errors.ts';
import { FLAG_TRUNCATE } from '../wire/constants.ts';
import type { Frame, FrameAddress, PathTiming } from '../wire/frame.ts';
import { creditFlag, FrameWindow } from '../wire/frame-window.ts';
import type { StageLink } from '../wire/link.ts';
import type { StageStats } from '../wire/schema.ts';
import type { StepRecord } from '../wire/steps.ts';
import type { EngineEntry } from './engine-entry.ts';
import type { SessionLane } from './session-lane.ts';
import { StepStats, type TimedLaneSteps } from './step-stats.ts';
import type { TokenFeeder } from './token-feeder.ts';

/** One frame's rows, waiting for or in computation. */
export interface WorkItem {
  readonly session: StageSession;
  readonly run: number;
  readonly position: number;
  readonly batch: number;
  readonly rows: number;
  readonly flags: number;
  /** Part of the prompt, not of the answer; figures are kept apart. */
  readonly isPrefill: boolean;
  readonly input: StageInput;
  /** What the stages before spent on it. */
  readonly path: PathTiming;
  /** Time spent on reading and checking the frame. */
  readonly decodeUs: number;
  readonly queuedMs: number;
  /** Where the prefill credit goes when the item is taken up. */
  readonly creditTo: StageLink | undefined;
}

export interface StageSessionInit {
  readonly address: FrameAddress;
  readonly stageCount: number;
  readonly dtypes: StageDtypes;
  /** The engine keeps windows for receipts. */
  readonly records: boolean;
  readonly entry: EngineEntry;
  readonly slot: number;
  readonly control: StageLink;
  /** Its share of the engine's lane, where the engine has one. */
  readonly lane: SessionLane | undefined;
  readonly previous: PeerId | undefined;
  readonly next: StageLink | undefined;
  /** Ends the session with an error that its coordinator gets to know. */
  readonly onFail: (error: unknown) => void;
  /** Unix ms. */
  readonly openedAt: number;
  /** Rows of a run that is over. */
  readonly onRows?: (rows: number) => void;
}

/** When a token was sampled: times of the two clocks are not compared. */
export interface Sampling {
  readonly position: number;
  readonly atUs: number;
  readonly clock: 'node' | 'lane';
}

/** The rows of a session on this stage: which are there, which run they belong to, which frame is due. */
export class StageSession {
  readonly init: StageSessionInit;
  readonly address: FrameAddress;
  readonly nextAddress: FrameAddress;
  readonly previousAddress: FrameAddress;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  stats = new StepStats();
  run = 0;
  closed = false;
  /** When it last had a turn in the step loop, counted in items. */
  servedAt = 0;
  /** Stage 0's share of the decode ring, for the present run. */
  feeder: TokenFeeder | undefined;
  /** When stage 0 last sent a token on its way round. */
  ringSentMs: number | undefined;
  /** The link on which hidden states (on stage 0: tokens) come in. */
  dataLink: StageLink | undefined;
  /** On the last stage: when the newest token was sampled, and by which clock. */
  sampled: Sampling | undefined;
  /** The prompt's last micro-batch was accepted. */
  promptDone = false;
  /** Rows of all runs that are over, whichever way they came. */
  doneRows = 0;
  /** Position that the next frame must have. */
  #due = 0;
  /** Prefill items accepted and not yet taken up. */
  readonly #queued = new FrameWindow();
  /** Prefill frames sent to the next stage that it has not taken up. */
  readonly #uncredited = new FrameWindow();

  constructor(init: StageSessionInit) {
    const { address, stageCount } = init;
    this.init = init;
    this.address = address;
    this.nextAddress = { session: address.session, stage: (address.stage + 1) % stageCount };
    this.previousAddress = { session: address.session, stage: (address.stage + stageCount - 1) % stageCount };
    this.isFirst = address.stage === 0;
    this.isLast = address.stage === stageCount - 1;
  }

  get due(): number {
    return this.#due;
  }

  get contextTokens(): number {
    return this.init.entry.engine.info.contextTokens;
  }

  /** Starts a run at `position`: rows at or after it are forgotten, frames of older runs are stale. */
  begin(run: number, position: number, from: PeerId): void {
    const { lane } = this.init;
    // Rows that came by the lane are not counted here; the engine refuses a position beyond them.
    const isLax = lane?.mayRun === true;
    if (run <= this.run || (position > this.#due && !isLax)) throw pipelineErrors.outOfStep({ peer: from, expected: this.#due, got: position });
    this.run = run;
    lane?.begin(run);
    this.settle();
    this.feeder = undefined;
    this.ringSentMs = undefined;
    this.sampled = undefined;
    this.promptDone = false;
    this.#queued.clear();
    this.#uncredited.clear();
    // The engine runs calls in order of arrival, so that later rows find the cache cut.
    // At the end of what is there, too: a token sampled after it is no part of what goes on now, and an answer's shape begins anew.
    if (this.#due > 0 || isLax) this.init.entry.engine.rollback(this.init.slot, position).catch(this.init.onFail);
    if (this.init.records) this.#forgetWindows();
    this.#due = position;
  }

  // Receipts are of one run, which begins a window.
  #forgetWindows(): void {
    this.init.entry.engine.takeWindows(this.init.slot, { end: 0, most: 0 }).catch(this.init.onFail);
  }

  /** Checks that a frame is the one that is due. False: it belongs to a run that is over. */
  accepts(frame: Frame, from: PeerId): boolean {
    if (frame.run < this.run) return false;
    if (frame.run > this.run) {
      if ((frame.flags & FLAG_TRUNCATE) === 0) throw pipelineErrors.outOfStep({ peer: from, expected: this.run, got: frame.run });
      this.begin(frame.run, frame.position, from);
    }
    this.#checkRows(frame, from);
    return true;
  }

  #checkRows(frame: Frame, from: PeerId): void {
    const { entry, dtypes: { takes } } = this.init;
    const reject = (reason: string): Error => pipelineErrors.badFrame({ peer: from, reason });
    if (frame.position !== this.#due) throw pipelineErrors.outOfStep({ peer: from, expected: this.#due, got: frame.position });
    if (frame.position + frame.rows > this.contextTokens) throw reject(`rows to ${frame.position + frame.rows} in a context of ${this.contextTokens}`);
    if (frame.rows > entry.batchTokens) throw reject(`${frame.rows} rows, agreed are ${entry.batchTokens}`);
    if (frame.dtype === undefined) return;
    if (frame.dtype !== takes) throw reject(`dtype ${frame.dtype}, agreed is ${takes}`);
    if (frame.hiddenSize !== entry.engine.info.hiddenSize) throw reject(`hidden size ${frame.hiddenSize}, the model has ${entry.engine.info.hiddenSize}`);
  }

  /** Counts the present run's rows as done; those of the lane are told by it. */
  settle(): void {
    this.rowsDone(this.stats.rows);
    this.stats = new StepStats();
  }

  rowsDone(rows: number): void {
    if (rows === 0) return;
    this.doneRows += rows;
    this.init.onRows?.(rows);
  }

  /** Rows of the present run. */
  async runRows(): Promise<number> {
    return this.stats.rows + ((await this.init.lane?.stats())?.frames ?? 0);
  }

  /** Figures of the present run, whichever way its rows came. */
  async snapshot(): Promise<StageStats> {
    const { stats } = this;
    return stats.snapshot(await this.init.lane?.stats());
  }

  /** What each of the newest frames of the present run took, and how long before `atMs`. */
  async trace(clock: Clock): Promise<{ readonly steps: readonly StepRecord[]; readonly atMs: number }> {
    const { stats, init: { lane } } = this;
    const askedMs = clock.monotonicMs();
    const steps = await lane?.steps();
    const atMs = clock.monotonicMs();
    // A lane in another process answers by its own clock: in the middle of the way there and back.
    const told: TimedLaneSteps | undefined = steps === undefined ? undefined : { ...steps, toldMs: (askedMs + atMs) / 2 };
    return { steps: stats.steps(atMs, told), atMs };
  }

  /** µs since the token before was sampled, at least 1; 0 where no one clock saw both. */
  gapTo(next: Sampling): number {
    const before = this.sampled;
    this.sampled = next;
    return before?.clock === next.clock && before.position + 1 === next.position ? Math.max(1, Math.round(next.atUs - before.atUs)) : 0;
  }

  /** Counts an item in; the sender may have only so many micro-batches waiting. */
  queued(item: WorkItem, from: PeerId): void {
    this.#due = item.position + item.rows;
    if (creditFlag(item) === 0) this.promptDone = true;
    if (!this.#queued.hasRoom(item)) throw pipelineErrors.flooded({ peer: from });
    this.#queued.take(item);
  }

  /** Whether what this item leads to may be sent on when it is done. */
  hasRoom(item: WorkItem): boolean {
    return this.isLast || this.#uncredited.hasRoom(item);
  }

  taken(item: WorkItem): void {
    this.#queued.give(creditFlag(item));
    if (!this.isLast) this.#uncredited.take(item);
  }

  credited(run: number, flag: number): void {
    if (run === this.run) this.#uncredited.give(flag);
  }
}
