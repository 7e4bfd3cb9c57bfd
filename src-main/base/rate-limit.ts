import type { Clock } from './clock.ts';

export interface RateLimitOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** Keys idle for longer than it takes to refill are forgotten beyond this count. */
  readonly maxKeys?: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Token bucket per key (an IP, a peer, a protocol). Memory is bounded by `maxKeys`. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #options: Required<RateLimitOptions>;
  readonly #clock: Clock;

  constructor(options: RateLimitOptions, clock: Clock) {
    this.#options = { maxKeys: 10_000, ...options };
    this.#clock = clock;
  }

  /** Takes `cost` tokens for `key`; false means: refuse. */
  take(key: string, cost = 1): boolean {
    const bucket = this.#refill(key);
    if (bucket.tokens < cost) return false;
    bucket.tokens -= cost;
    return true;
  }

  /** Undoes a `take`: it was found not to count. */
  giveBack(key: string, cost = 1): void {
    const bucket = this.#refill(key);
    bucket.tokens = Math.min(this.#options.burst, bucket.tokens + cost);
  }

  #refill(key: string): Bucket {
    const { perSecond, burst } = this.#options;
    const atMs = this.#clock.monotonicMs();
    const old = this.#buckets.get(key);
    const tokens = old === undefined ? burst : Math.min(burst, old.tokens + ((atMs - old.atMs) / 1000) * perSecond);
    const bucket = { tokens, atMs };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forgetOldest();
    return bucket;
  }

  // Maps keep insertion order and #refill re-inserts, so the first key is the least recently seen.
  #forgetOldest(): void {
    if (this.#buckets.size <= this.#options.maxKeys) return;
    const oldest = this.#buckets.keys().next().value;
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
