import type { Clock } from '../../base/index.ts';

export interface ReplayWindowOptions {
  readonly windowMs: number;
  /** Beyond it the oldest are forgotten. */
  readonly maxKeys: number;
}

/** What was seen within a time. Memory is bounded by `maxKeys`. */
export class ReplayWindow {
  /** When each key is forgotten, oldest first: all live equally long. */
  readonly #seen = new Map<string, number>();
  readonly #options: ReplayWindowOptions;
  readonly #clock: Clock;

  constructor(options: ReplayWindowOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Remembers the key; false when it was seen before. */
  take(key: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, nowMs + this.#options.windowMs);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [key, untilMs] of this.#seen) {
      if (untilMs > nowMs && this.#seen.size < this.#options.maxKeys) return;
      this.#seen.delete(key);
    }
  }
}
