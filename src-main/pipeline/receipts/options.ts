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
  /** Entries, of those compared, that are lost: at most this share. */
  readonly lostShare: number;
  /** Mean difference of the other entries, in steps of bfloat16 (1/128 of an octave). */
  readonly stepsMean: number;
  readonly stepsMedian: number;
}

/** How a model's matrices are stored. ggml rounds activations to 8 bits for quantised ones, so that honest machines differ by ten times more. */
export type WeightKind = 'float' | 'quantised';

/** Chosen from the measurement in docs/bench/README.md, section receipts: between the worst honest window and the cheats. */
const CPU_THRESHOLDS: Readonly<Record<WeightKind, Thresholds>> = {
  float: { lostShare: 0.05, stepsMean: 0.25, stepsMedian: 0.5 },
  quantised: { lostShare: 0.1, stepsMean: 1.5, stepsMedian: 1.5 },
};

/** Where a GPU computed on either side. Not measured here: about as wide as those of arXiv 2501.16007 for bfloat16 on GPUs. */
const GPU_THRESHOLDS: Thresholds = { lostShare: 0.5, stepsMean: 7, stepsMedian: 7 };

/** Of fewer rows, where an answer ends, the 128 largest entries are not that large, and differ by more. */
const SHORT_ROWS = 8;
const SHORT_FACTOR = 2;
/** Noise is near one entry in 2,000: with most entries lost, the others say nothing. */
const MOST_LOST_SHARE = 0.5;

/** What a commitment is about, and who computed it. */
export interface Compared {
  readonly weights: WeightKind;
  /** Of the stage, as its receipt says, and of the machine that verifies. */
  readonly backends: readonly string[];
  readonly rows: number;
}

export function thresholdsFor({ weights, backends, rows }: Compared): Thresholds {
  const limits = backends.every((backend) => backend === 'cpu') ? CPU_THRESHOLDS[weights] : GPU_THRESHOLDS;
  if (rows >= SHORT_ROWS) return limits;
  return { lostShare: Math.min(MOST_LOST_SHARE, SHORT_FACTOR * limits.lostShare), stepsMean: SHORT_FACTOR * limits.stepsMean, stepsMedian: SHORT_FACTOR * limits.stepsMedian };
}

/** A greedy token may be this much less likely than the best one: float differences decide between near ties. */
export const SAMPLE_MARGIN_NATS = 0.1;
