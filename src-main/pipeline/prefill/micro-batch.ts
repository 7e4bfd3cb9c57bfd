import { costOf, type Pass, type PassCost } from './pass-cost.ts';

/** Few sizes, far apart: a row's bits depend on how many share its pass, so that the size must not follow every measurement. */
export const MICRO_BATCHES: readonly number[] = [32, 64, 128, 256, 512, 1024, 2048, 4096];
/** Another size than before must promise to be better by this much. */
const WORTH_CHANGING = 0.1;

/** From a stage to the next: how long a micro-batch is on the way, and how long each of its rows keeps the way busy. */
export interface WayCost {
  readonly passMs: number;
  readonly rowMs: number;
}

export interface PrefillCosts {
  /** In order. */
  readonly stages: readonly PassCost[];
  /** One fewer. */
  readonly boundaries: readonly WayCost[];
}

export interface MicroBatchRequest extends PrefillCosts {
  /** Of the prompt, what has to be computed. */
  readonly prompt: Pass;
  /** What the stages have room and others time for. */
  readonly most: number;
  /** The size chosen before. */
  readonly previous?: number | undefined;
}

/**
 * When the last stage is through with a prompt in micro-batches of `size`, ms: each stage and each way between two takes them one
 * after the other (the GPipe schedule, Huang et al. 2019, for forward passes). With equal micro-batches that is the sum over all
 * stages and ways, and (M - 1) times the slowest.
 */
export function predictPrefillMs({ stages, boundaries }: PrefillCosts, { position, rows }: Pass, size: number): number {
  const stageFreeMs = stages.map(() => 0);
  const wayFreeMs = boundaries.map(() => 0);
  for (let done = 0; done < rows; done += size) {
    const part: Pass = { position: position + done, rows: Math.min(size, rows - done) };
    let atMs = 0;
    for (const [i, stage] of stages.entries()) {
      atMs = stageFreeMs[i] = Math.max(atMs, stageFreeMs[i] ?? 0) + costOf(stage, part);
      const way = boundaries[i];
      if (way === undefined) continue;
      wayFreeMs[i] = Math.max(atMs, wayFreeMs[i] ?? 0) + part.rows * way.rowMs;
      atMs = (wayFreeMs[i] ?? 0) + way.passMs;
    }
  }
  return stageFreeMs.at(-1) ?? 0;
}

/** The rows of a prompt's micro-batches with which its first token should come soonest. */
export function chooseMicroBatch({ prompt, most, previous, ...costs }: MicroBatchRequest): number {
  const sizes = [...MICRO_BATCHES.filter((size) => size < most), most];
  const predicted = new Map(sizes.map((size) => [size, predictPrefillMs(costs, prompt, size)]));
  const msOf = (size: number): number => predicted.get(size) ?? Infinity;
  // Of equal ones the larger: fewer frames.
  const best = sizes.reduce((a, b) => (msOf(b) <= msOf(a) ? b : a));
  return previous !== undefined && msOf(previous) <= msOf(best) * (1 + WORTH_CHANGING) ? previous : best;
}
