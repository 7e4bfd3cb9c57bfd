import type { Clock } from '../../base/index.ts';
import { walletErrors } from './errors.ts';
import { WALLET_LIMITS } from './options.ts';

const { freeAttempts, longestWaitMs } = WALLET_LIMITS;

/** One password at a time, and after some wrong ones longer and longer pauses: who guesses here is slower than who has the file. */
export class Attempts {
  readonly #clock: Clock;
  #failures = 0;
  #blockedUntilMs = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `open`, which throws for a wrong password. Throws WALLET_TOO_MANY_ATTEMPTS. */
  attempt<T>(open: () => Promise<T>): Promise<T> {
    const run = this.#last.then(() => this.#attempt(open));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #attempt<T>(open: () => Promise<T>): Promise<T> {
    const retryAfterMs = this.#blockedUntilMs - this.#clock.monotonicMs();
    if (retryAfterMs > 0) throw walletErrors.tooManyAttempts({ retryAfterMs });
    try {
      const opened = await open();
      this.#failures = 0;
      return opened;
    } catch (error) {
      this.#failures++;
      const over = this.#failures - freeAttempts;
      if (over >= 0) this.#blockedUntilMs = this.#clock.monotonicMs() + Math.min(longestWaitMs, 1_000 * 2 ** over);
      throw error;
    }
  }
}
