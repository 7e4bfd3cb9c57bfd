/** Minima of this time and of the one before: clocks that run unevenly drift milliseconds in it. */
const WINDOW_MS = 5 * 60_000;

/**
 * How an author's clock stands to ours: the least of what lies between its `at` and our monotonic clock at arrival. That message
 * was the quickest; what came later by this measure was held up on its way, however wrong the author's clock is.
 */
export class ClockOffset {
  #current = Infinity;
  #before = Infinity;
  #begunMs = 0;

  /** Infinity before the first message. */
  get leastMs(): number {
    return Math.min(this.#current, this.#before);
  }

  /** Counting a message that arrives now. */
  least(at: number, nowMs: number): number {
    return Math.min(this.leastMs, nowMs - at);
  }

  keep(at: number, nowMs: number): void {
    if (nowMs - this.#begunMs > WINDOW_MS) {
      this.#before = this.#current;
      this.#current = Infinity;
      this.#begunMs = nowMs;
    }
    this.#current = Math.min(this.#current, nowMs - at);
  }
}
