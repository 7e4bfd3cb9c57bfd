/** What a stage says of itself at one moment; sums since its run began. */
export interface StageSample {
  /** Decode rows computed. */
  readonly rows: number;
  /** Time spent computing them, µs. */
  readonly computeUs: number;
  /** How long its present pass runs, µs; 0 when idle. */
  readonly busyUs: number;
  readonly rttMs: number | undefined;
}

export interface SlowStage {
  readonly stage: number;
  /** What a row costs now, and cost at its best: computing, and the way there and back, ms. */
  readonly costMs: number;
  readonly bestMs: number;
}

interface Known {
  readonly last: StageSample;
  readonly bestMs: number | undefined;
  /** Samples in a row that were slow. */
  readonly slow: number;
}

const SLOW_FACTOR = 10;
/** Below it a node is not worth replacing, whatever it was before. */
const SLOW_FLOOR_MS = 25;
const SLOW_SAMPLES = 2;

/** Finds a stage that became ten times slower than it was: its own computing, or the way to it. Clocks are not compared. */
export class PaceWatch {
  #known: readonly (Known | undefined)[] = [];

  /** To be called in even intervals. @returns the stage that was slow in the last samples, the worst if there are several */
  observe(samples: readonly (StageSample | undefined)[]): SlowStage | undefined {
    const costs = samples.map((sample, i) => (sample === undefined ? undefined : costOf(sample, this.#known[i]?.last)));
    this.#known = samples.map((sample, i) => (sample === undefined ? this.#known[i] : learn(sample, costs[i], this.#known[i])));
    const slow = this.#known.flatMap((known, stage) => (known !== undefined && known.slow >= SLOW_SAMPLES && known.bestMs !== undefined ? [{ stage, costMs: costs[stage] ?? 0, bestMs: known.bestMs }] : []));
    return slow.toSorted((a, b) => b.costMs / b.bestMs - a.costMs / a.bestMs)[0];
  }
}

/** Per row since the last sample, ms; undefined where nothing was computed and nothing is. */
function costOf(now: StageSample, last: StageSample | undefined): number | undefined {
  // Sums that became smaller belong to another run.
  const rows = last === undefined || now.rows < last.rows ? 0 : now.rows - last.rows;
  const wayMs = now.rttMs ?? 0;
  if (rows > 0 && last !== undefined) return (now.computeUs - last.computeUs) / rows / 1000 + wayMs;
  return now.busyUs > 0 ? now.busyUs / 1000 + wayMs : undefined;
}

function learn(last: StageSample, costMs: number | undefined, known: Known | undefined): Known {
  const bestMs = costMs === undefined ? known?.bestMs : Math.min(costMs, known?.bestMs ?? costMs);
  if (costMs === undefined || bestMs === undefined) return { last, bestMs, slow: 0 };
  const isSlow = costMs >= SLOW_FLOOR_MS && costMs >= SLOW_FACTOR * bestMs;
  return { last, bestMs, slow: isSlow ? (known?.slow ?? 0) + 1 : 0 };
}
