import { RingLog } from '../../base/index.ts';

/** Gaps that the percentiles of an answer are made of: its newest. */
const MAX_GAPS = 4096;
/** Tokens of a traced answer that are remembered. */
const MAX_HEARD = 65_536;

/** Nearest rank: measured values, none in between. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface HeardToken {
  readonly position: number;
  /** When the coordinator heard of it, ms of its monotonic clock. */
  readonly heardMs: number;
  /** Since the token before was sampled, µs of the last stage's clock; undefined where no clock saw both. */
  readonly gapUs: number | undefined;
}

/**
 * When the tokens of an answer came. They are heard of in handfuls where the lane decodes, so that the time between two
 * of them is never taken here: the last stage measures it and tells it with the token.
 */
export class TokenTimes {
  firstMs: number | undefined;
  lastMs: number | undefined;
  readonly #gapsUs = new RingLog<number>(MAX_GAPS);
  readonly #heard: RingLog<HeardToken> | undefined;

  constructor({ isTraced }: { readonly isTraced: boolean }) {
    this.#heard = isTraced ? new RingLog<HeardToken>(MAX_HEARD) : undefined;
  }

  add(token: HeardToken): void {
    this.firstMs ??= token.heardMs;
    this.lastMs = token.heardMs;
    if (token.gapUs !== undefined) this.#gapsUs.push(token.gapUs);
    this.#heard?.push(token);
  }

  /** Empty unless traced. */
  get heard(): readonly HeardToken[] {
    return this.#heard?.toArray() ?? [];
  }

  /** Undefined while no gap was measured. */
  get itlMs(): Percentiles | undefined {
    const sorted = this.#gapsUs.toArray().toSorted((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    const rank = (share: number): number => (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) / 1000;
    return { p50: rank(0.5), p99: rank(0.99) };
  }
}
