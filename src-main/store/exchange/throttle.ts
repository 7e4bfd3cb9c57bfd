import type { Clock } from '../../base/index.ts';

/** Bytes that may go at once after a pause: a tenth of a second's worth, at least one piece. */
const BURST_S = 0.1;
const LEAST_BURST_BYTES = 256 * 1024;

/**
 * A cap on bytes per second over all streams that share it. Who waits is served in the order of asking, and asks for
 * one piece at a time: streams take turns. Without a cap nobody waits.
 */
export class Throttle {
  readonly #bytesPerSecond: number | undefined;
  readonly #clock: Clock;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number | undefined, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** How long to wait before these bytes may go; they count as gone. */
  reserveMs(bytes: number): number {
    if (this.#bytesPerSecond === undefined) return 0;
    const nowMs = this.#clock.monotonicMs();
    const burstMs = Math.max(BURST_S, LEAST_BURST_BYTES / this.#bytesPerSecond) * 1000;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - burstMs) + (bytes / this.#bytesPerSecond) * 1000;
    return Math.max(0, this.#freeAtMs - nowMs);
  }

  async take(bytes: number): Promise<void> {
    const waitMs = this.reserveMs(bytes);
    if (waitMs > 0) await new Promise<void>((resolve) => void setTimeout(resolve, waitMs));
  }
}
