import type { Clock } from '../../base/index.ts';
import type { ForwardItem, ForwardResult, StageEngine, StageOutput, StageWant } from '../../inference/index.ts';
import type { RunnerMetrics } from '../metrics.ts';
import { MAX_PENDING_SENDS } from '../options.ts';
import { FLAG_MORE, FrameType } from '../wire/constants.ts';
import { creditFlag } from '../wire/frame-window.ts';
import type { WorkItem } from './stage-session.ts';
import type { StepTiming } from './step-stats.ts';

export interface StepLoopInit {
  readonly engine: StageEngine;
  readonly batchTokens: number;
  readonly clock: Clock;
  readonly metrics: RunnerMetrics;
  /** Takes one computed item on; `spent` is this stage's part so far. */
  readonly deliver: (item: WorkItem, output: StageOutput, spent: StepTiming) => void;
  /** A pass of a prompt's rows took so long. */
  readonly onPrefill: (rows: number, ms: number) => void;
}

/** Feeds one engine with what is queued, of whichever sessions, pass after pass. */
export class StepLoop {
  readonly #init: StepLoopInit;
  #queue: WorkItem[] = [];
  #stepping = false;
  #wasPrefill = false;
  /** Counts the items taken up: who was served longest ago is next. */
  #served = 0;
  #stepStartedMs: number | undefined;

  constructor(init: StepLoopInit) {
    this.#init = init;
  }

  /** How long the present pass runs, µs; 0 when idle. */
  get busyUs(): number {
    return this.#stepStartedMs === undefined ? 0 : (this.#init.clock.monotonicMs() - this.#stepStartedMs) * 1000;
  }

  push(item: WorkItem): void {
    this.#queue.push(item);
    this.#init.metrics.queueLength.add(1);
    this.kick();
  }

  /** Goes on when something may have become possible: new work, room on a link, a credit. */
  kick(): void {
    if (this.#stepping || this.#queue.length === 0) return;
    this.#stepping = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) await this.#step(batch);
    // In one turn with the last #take, so that nothing can be pushed in between.
    this.#stepping = false;
  }

  async #step(batch: readonly WorkItem[]): Promise<void> {
    const { engine, clock } = this.#init;
    const startedMs = clock.monotonicMs();
    const leftWaiting = this.#queue.length;
    this.#stepStartedMs = startedMs;
    try {
      const result = await engine.forward(batch.map(toForwardItem));
      this.#deliver(batch, result, { startedMs, leftWaiting });
    } catch (error) {
      for (const item of batch) item.session.init.onFail(error);
    } finally {
      this.#stepStartedMs = undefined;
    }
  }

  #deliver(batch: readonly WorkItem[], result: ForwardResult, { startedMs, leftWaiting }: { readonly startedMs: number; readonly leftWaiting: number }): void {
    const endMs = this.#init.clock.monotonicMs();
    const wallUs = (endMs - startedMs) * 1000;
    const computeUs = Math.min(wallUs, result.computeMs * 1000);
    const passRows = batch.reduce((rows, item) => rows + item.rows, 0);
    this.#observe(passRows, wallUs);
    if (batch[0]?.isPrefill === true) this.#init.onPrefill(passRows, wallUs / 1000);
    for (let i = 0; i < batch.length; i++) {
      const item = batch[i] as WorkItem;
      if (isStale(item)) continue;
      // The way to the engine's process and back counts as serialising, not as computing.
      const spent = { computeUs, serialiseUs: item.decodeUs + wallUs - computeUs, waitUs: (startedMs - item.queuedMs) * 1000, endMs, passRows, leftWaiting };
      try {
        this.#init.deliver(item, result.outputs[i] ?? { kind: 'none' }, spent);
      } catch (error) {
        item.session.init.onFail(error);
      }
    }
  }

  #observe(passRows: number, wallUs: number): void {
    const { metrics, batchTokens } = this.#init;
    metrics.steps.inc();
    metrics.rows.inc(undefined, passRows);
    metrics.batchFill.observe(passRows / batchTokens);
    metrics.stepSeconds.observe(wallUs / 1e6);
  }

  /**
   * Decode rows of all sessions share a pass; a prompt's micro-batch has one of its own, and the two kinds take turns: so
   * nobody's next token waits for more than one micro-batch, however long the prompts are, and no prompt waits for ever.
   */
  #take(): WorkItem[] {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter((item) => !isStale(item));
    const ready = heads(this.#queue).filter(canSend);
    const [prefill, decode] = [ready.filter(({ isPrefill }) => isPrefill), ready.filter(({ isPrefill }) => !isPrefill)];
    const isPrefillsTurn = prefill.length > 0 && (decode.length === 0 || !this.#wasPrefill);
    const batch = isPrefillsTurn ? [longestUnserved(prefill)] : decode.slice(0, this.#init.batchTokens);
    if (batch.length > 0) this.#wasPrefill = isPrefillsTurn;
    const taken = new Set(batch);
    this.#queue = this.#queue.filter((item) => !taken.has(item));
    this.#init.metrics.queueLength.add(this.#queue.length - before);
    for (const item of batch) takeUp(item, ++this.#served);
    return batch;
  }
}

/** The oldest item of each session: rows of one session are computed in order. */
const heads = (queue: readonly WorkItem[]): WorkItem[] => [...new Map(queue.toReversed().map((item) => [item.session, item])).values()].toReversed();

const longestUnserved = (items: readonly WorkItem[]): WorkItem => items.reduce((a, b) => (b.session.servedAt < a.session.servedAt ? b : a));

const isStale = (item: WorkItem): boolean => item.session.closed || item.run !== item.session.run;

const canSend = (item: WorkItem): boolean => item.session.hasRoom(item) && (item.session.init.next?.pending ?? 0) < MAX_PENDING_SENDS;

function takeUp(item: WorkItem, at: number): void {
  const { session, stage } = item.session.address;
  item.session.servedAt = at;
  item.session.taken(item);
  const flags = creditFlag(item);
  if (flags !== 0) item.creditTo?.post({ session, stage: Math.max(0, stage - 1) }, { type: FrameType.credit, run: item.run, batch: item.batch, flags });
}

function toForwardItem(item: WorkItem): ForwardItem {
  return { session: item.session.init.slot, position: item.position, input: item.input, want: wanted(item) };
}

function wanted({ session, flags }: WorkItem): StageWant {
  if (!session.isLast) return { kind: 'hidden', dtype: session.init.dtypes.sends };
  return (flags & FLAG_MORE) === 0 ? { kind: 'sample' } : { kind: 'none' };
}
