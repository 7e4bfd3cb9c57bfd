import type { Clock } from '../../../base/index.ts';

/** Half of the figure is younger than this. */
const HALF_LIFE_MS = 3_000;
/** Below this a figure would be noise. */
const MIN_SAMPLE_MS = 200;

/** Bytes per second as an exponentially weighted mean, and what time is left with it. */
export class SpeedEstimate {
  readonly #clock: Clock;
  #sinceMs: number;
  #bytes = 0;
  #perSecond: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Undefined until something was measured. */
  get bytesPerSecond(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const spanMs = nowMs - this.#sinceMs;
    if (spanMs < MIN_SAMPLE_MS) return this.#perSecond;
    const sample = (this.#bytes / spanMs) * 1000;
    const weight = this.#perSecond === undefined ? 1 : 1 - 0.5 ** (spanMs / HALF_LIFE_MS);
    this.#perSecond = (this.#perSecond ?? 0) * (1 - weight) + sample * weight;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    return this.#perSecond;
  }
}

/** Undefined while nothing moves. */
export const etaMs = (leftBytes: number, bytesPerSecond: number | undefined): number | undefined =>
  bytesPerSecond === undefined || bytesPerSecond < 1 ? undefined : (leftBytes / bytesPerSecond) * 1000;
