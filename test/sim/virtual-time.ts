import { setImmediate as turn } from 'node:timers/promises';
import { seeded } from '../support/models/index.ts';

type Work = () => void;
/** As Node's own, as far as anybody here asks. */
class Timer {
  isOff = false;
  ref(): this { return this; }
  unref(): this { return this; }
  hasRef(): boolean { return true; }
  [Symbol.dispose](): void { this.isOff = true; }
}

/** Distinct times, the least first. */
class Times {
  readonly #heap: number[] = [];

  get least(): number | undefined { return this.#heap[0]; }

  push(time: number): void {
    const heap = this.#heap;
    let i = heap.push(time) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && (heap[parent] as number) > time; i = parent, parent = (i - 1) >> 1) heap[i] = heap[parent] as number;
    heap[i] = time;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (let child = 1; child < heap.length; i = child, child = 2 * i + 1) {
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= last) break;
      heap[i] = heap[child] as number;
    }
    heap[i] = last;
  }
}

/**
 * Time that passes only when all is done that there is to do: whoever computes how long, every node sees the same times. Milliseconds; what is
 * due in the same one runs in the order in which it was asked for. While it is installed, the timers, the clock and the random numbers of this
 * process are its own, so that a seed means one course of events. Nothing under it may wait for threads or files.
 */
export class VirtualTime {
  readonly startMs: number;
  #nowMs: number;
  readonly #due = new Map<number, Work[]>();
  readonly #times = new Times();
  readonly random: () => number;
  readonly #kept = { setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now, random: Math.random, timeout: AbortSignal.timeout };

  constructor({ seed, startMs = 1_800_000_000_000 }: { readonly seed: number; readonly startMs?: number }) {
    this.random = seeded(seed);
    this.startMs = startMs;
    this.#nowMs = startMs;
  }

  now(): number { return this.#nowMs; }
  monotonicMs(): number { return this.#nowMs - this.startMs; }

  after(delayMs: number, work: Work): void {
    const at = this.#nowMs + Math.max(0, Math.ceil(delayMs));
    const due = this.#due.get(at);
    if (due !== undefined) return void due.push(work);
    this.#due.set(at, [work]);
    this.#times.push(at);
  }

  install(): void {
    const once = (work: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): Timer => {
      const timer = new Timer();
      // As Node does it, and so that nothing can keep time from passing.
      this.after(Math.max(1, delayMs), () => { if (!timer.isOff) work(...args); });
      return timer;
    };
    const again = (work: (...args: unknown[]) => void, everyMs = 0, ...args: unknown[]): Timer => {
      const timer = new Timer();
      const tick = (): void => {
        if (timer.isOff) return;
        this.after(Math.max(1, everyMs), tick);
        work(...args);
      };
      this.after(Math.max(1, everyMs), tick);
      return timer;
    };
    const off = (timer?: unknown): void => { if (timer instanceof Timer) timer.isOff = true; };
    Object.assign(globalThis, { setTimeout: once, clearTimeout: off, setInterval: again, clearInterval: off });
    Object.assign(AbortSignal, { timeout: (ms: number) => {
      const over = new AbortController();
      this.after(ms, () => over.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')));
      return over.signal;
    } });
    Date.now = () => this.#nowMs;
    Math.random = this.random;
  }

  uninstall(): void {
    const { now, random, timeout, ...timers } = this.#kept;
    Object.assign(globalThis, timers);
    Object.assign(AbortSignal, { timeout });
    Date.now = now;
    Math.random = random;
  }

  /** Until `holds`, asked after every millisecond in which something happened, or until the time is over; whether it did. */
  async run({ forMs, holds = () => false }: { readonly forMs: number; readonly holds?: () => boolean }): Promise<boolean> {
    const endMs = this.#nowMs + Math.ceil(forMs);
    for (;;) {
      // Whatever was started may start more, of this same millisecond or later.
      await turn();
      if (holds()) return true;
      const next = this.#times.least;
      if (next === undefined || next > endMs) break;
      if (next > this.#nowMs) this.#nowMs = next;
      this.#times.pop();
      const due = this.#due.get(next) ?? [];
      this.#due.delete(next);
      for (const work of due) work();
    }
    this.#nowMs = endMs;
    return false;
  }
}
