import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type Clock } from './clock.ts';

/** Lets bytes through at a rate that may change at any time; shared by all that take from it. */
export class Pace {
  readonly #clock: Clock;
  #bytesPerSecond: number | undefined;
  /** When all that was taken so far is paid for. */
  #paidAtMs = 0;
  #changed = new AbortController();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Undefined: no limit. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  set bytesPerSecond(rate: number | undefined) {
    this.#bytesPerSecond = rate;
    this.#paidAtMs = 0;
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** Resolves when the bytes may go on, at once after the rate was changed. Throws the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const rate = this.#bytesPerSecond;
    if (rate === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    this.#paidAtMs = Math.max(nowMs, this.#paidAtMs) + (1000 * bytes) / rate;
    const either = signal === undefined ? this.#changed.signal : AbortSignal.any([this.#changed.signal, signal]);
    await delay(this.#paidAtMs - nowMs, undefined, { signal: either }).catch(() => signal?.throwIfAborted());
  }
}
