/** Sizes and bounds of receipts; docs/protocols/receipts.md repeats them. */

/** Positions of one window. Windows begin at multiples of this, or where a run begins. */
export const WINDOW_ROWS = 32;
/** Entries of largest magnitude that a commitment keeps of a window. */
export const TOP_ENTRIES = 128;
/** u16 modulus and one u16 per entry. */
export const MAX_COMMITMENT_BYTES = 2 + 2 * TOP_ENTRIES;

export const MAX_BODY_BYTES = 4096;
export const SIGNATURE_BYTES = 64;
export const MAX_FILE_BYTES = 64 * 1024 * 1024;
export const MAX_RECEIPTS = 65_536;

/** What a recomputed window may differ by from the one committed to. */
export interface Thresholds {
  /** Entries, of those compared, whose sign or exponent differs: at most this share. */
  readonly exponentMismatchShare: number;
  /** Mean difference of the mantissas (7 bits) of the entries whose exponents agree. */
  readonly mantissaMean: number;
  readonly mantissaMedian: number;
}

/** Chosen from the measurement in docs/bench/README.md, section receipts. */
export const THRESHOLDS: Thresholds = { exponentMismatchShare: 0.1, mantissaMean: 4, mantissaMedian: 3 };

/** A greedy token may be this much less likely than the best one: float differences decide between near ties. */
export const SAMPLE_MARGIN_NATS = 0.1;
