import { toCoded, type Logger } from '../../base/index.ts';
import type { ReceiptsFile, Verification } from '../../pipeline/index.ts';

/** Of the answers that were signed, about one in so many. */
const ONE_IN = 8;
/** Nobody asked anything for this long. */
const IDLE_MS = 20_000;
/** From one to the next. */
const PAUSE_MS = 120_000;
/** An answer that had to wait longer is let go: its text is not to be kept around. */
const MAX_WAIT_MS = 600_000;
const MAX_RUN_MS = 120_000;

export interface SpotCheckInit {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Computes a window of it again; undefined where that is too much for this machine now. Rejects once `signal` aborts. */
  readonly verify: (file: ReceiptsFile, signal: AbortSignal) => Promise<Verification | undefined>;
  readonly onVerified: (found: Verification, file: ReceiptsFile) => void;
  /** 0..1; not to be foreseen by those who are checked. */
  readonly random: () => number;
  readonly times?: { readonly idleMs: number; readonly pauseMs: number; readonly maxWaitMs: number; readonly maxRunMs: number };
}

interface Waiting {
  readonly file: ReceiptsFile;
  readonly letGo: NodeJS.Timeout;
}

/** Computes a few windows of answers again while nothing else goes on: one answer at a time, never two waiting, and none while somebody asks. */
export class SpotCheck {
  readonly #init: SpotCheckInit;
  readonly #times: NonNullable<SpotCheckInit['times']>;
  #waiting: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: AbortController | undefined;
  #done: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isStopped = false;
  /** Of `performance.now()`. */
  #notBeforeMs = 0;

  constructor(init: SpotCheckInit) {
    this.#init = init;
    this.#times = init.times ?? { idleMs: IDLE_MS, pauseMs: PAUSE_MS, maxWaitMs: MAX_WAIT_MS, maxRunMs: MAX_RUN_MS };
  }

  /** An answer was signed; perhaps it is one of those that are checked. */
  offer(file: ReceiptsFile): void {
    if (this.#isStopped || this.#waiting !== undefined || this.#init.random() >= 1 / ONE_IN) return;
    this.#waiting = { file, letGo: setTimeout(() => this.#drop(), this.#times.maxWaitMs).unref() };
    this.#arm();
  }

  /** Answers are under way, or none is. One that begins ends a check, which is begun anew when it is over. */
  activity(isBusy: boolean): void {
    this.#isBusy = isBusy;
    if (isBusy) this.#running?.abort();
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#drop();
    await this.#done;
  }

  #drop(): void {
    clearTimeout(this.#waiting?.letGo);
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    this.#running?.abort();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#waiting === undefined || this.#isBusy || this.#running !== undefined) return;
    this.#timer = setTimeout(() => { this.#done = this.#run(); }, Math.max(this.#times.idleMs, this.#notBeforeMs - performance.now())).unref();
  }

  async #run(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const running = this.#running = new AbortController();
    try {
      const found = await this.#init.verify(waiting.file, AbortSignal.any([running.signal, AbortSignal.timeout(this.#times.maxRunMs)]));
      if (found !== undefined && this.#waiting === waiting) this.#init.onVerified(found, waiting.file);
    } catch (error) {
      if (!running.signal.aborted) this.#init.logger.info({ code: toCoded(error).code }, 'an answer could not be computed again');
    }
    this.#running = undefined;
    // One that was ended by somebody's question waits for the next pause.
    if (!running.signal.aborted) {
      this.#notBeforeMs = performance.now() + this.#times.pauseMs;
      this.#drop();
    }
    this.#arm();
  }
}
