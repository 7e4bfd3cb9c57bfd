/** What a pass costs whatever it holds, what each of its rows adds, and what a row adds for each row before it (attention). */
export interface PassCost {
  readonly passMs: number;
  readonly rowMs: number;
  readonly depthMs: number;
}

/** Rows from a position on, in one pass. */
export interface Pass {
  readonly position: number;
  readonly rows: number;
}

export const costOf = ({ passMs, rowMs, depthMs }: PassCost, { position, rows }: Pass): number => passMs + rows * (rowMs + depthMs * (position + rows / 2));

/** Several passes, one after the other, from a position on. */
export interface PassSums extends Pass {
  readonly passes: number;
  readonly ms: number;
}

type Vector = readonly [number, number, number];

/** Older observations count this much less with each new one, so that a machine may change. */
const KEEP = 0.75;
/** Below it the three costs cannot be told apart: determinant of the normal matrix, its diagonal scaled to 1. */
const LEAST_SPREAD = 1e-4;
/** The first pass of a stage reads weights that were not in memory yet. */
const COLD = 1;
const SUBSETS: readonly (readonly number[])[] = [[0, 1, 2], [0, 1], [0, 2], [1, 2], [0], [1], [2]];

/**
 * Least squares of time per row over passes per row, 1, and mean position, without negative costs. Knows nothing until prompts of
 * at least three sizes were seen; while later ones are all alike, keeps how the costs relate and follows their sum.
 */
export class PassCostMeter {
  #observations = 0;
  /** Of the sums of products. */
  readonly #matrix = [0, 1, 2].map(() => [0, 0, 0]);
  readonly #right = [0, 0, 0];
  #known: PassCost | undefined;

  get cost(): PassCost | undefined {
    return this.#known;
  }

  add({ position, passes, rows, ms }: PassSums): void {
    if (!(passes > 0 && rows > 0 && ms > 0) || ++this.#observations <= COLD) return;
    const x: Vector = [passes / rows, 1, position + rows / 2];
    for (const [i, a] of x.entries()) {
      this.#right[i] = KEEP * (this.#right[i] ?? 0) + (a * ms) / rows;
      for (const [j, b] of x.entries()) this.#set(i, j, KEEP * this.#at(i, j) + a * b);
    }
    this.#known = this.#fitted() ?? this.#scaled();
  }

  #fitted(): PassCost | undefined {
    const scale = [0, 1, 2].map((i) => Math.sqrt(this.#at(i, i)));
    const scaled = scale.map((a, i) => scale.map((b, j) => this.#at(i, j) / (a * b)));
    if (!(determinant(scaled) > LEAST_SPREAD)) return undefined;
    const right = this.#right.map((value, i) => value / (scale[i] ?? 1));
    // The best fit of those in which nothing costs less than nothing: with three costs all can be tried.
    let best: { readonly values: readonly number[]; readonly gain: number } | undefined;
    for (const subset of SUBSETS) {
      const values = solve(subset.map((i) => subset.map((j) => scaled[i]?.[j] ?? 0)), subset.map((i) => right[i] ?? 0));
      if (values.some((value) => !(value >= 0))) continue;
      // What the fit takes off the sum of squares.
      const gain = values.reduce((sum, value, k) => sum + value * (right[subset[k] ?? 0] ?? 0), 0);
      if (best === undefined || gain > best.gain) best = { values: [0, 1, 2].map((i) => (subset.includes(i) ? values[subset.indexOf(i)] ?? 0 : 0) / (scale[i] ?? 1)), gain };
    }
    return best === undefined ? undefined : { passMs: best.values[0] ?? 0, rowMs: best.values[1] ?? 0, depthMs: best.values[2] ?? 0 };
  }

  #scaled(): PassCost | undefined {
    if (this.#known === undefined) return undefined;
    const { passMs, rowMs, depthMs } = this.#known;
    // Sums of what was measured and of what these costs would have made of it.
    const factor = (this.#right[1] ?? 0) / (passMs * this.#at(0, 1) + rowMs * this.#at(1, 1) + depthMs * this.#at(2, 1));
    return { passMs: passMs * factor, rowMs: rowMs * factor, depthMs: depthMs * factor };
  }

  #at(i: number, j: number): number {
    return this.#matrix[i]?.[j] ?? 0;
  }

  #set(i: number, j: number, value: number): void {
    const row = this.#matrix[i];
    if (row !== undefined) row[j] = value;
  }
}

const at = (matrix: readonly (readonly number[])[], i: number, j: number): number => matrix[i]?.[j] ?? 0;

function determinant(m: readonly (readonly number[])[]): number {
  if (m.length === 1) return at(m, 0, 0);
  if (m.length === 2) return at(m, 0, 0) * at(m, 1, 1) - at(m, 0, 1) * at(m, 1, 0);
  return [0, 1, 2].reduce((sum, j) => sum + at(m, 0, j) * (at(m, 1, (j + 1) % 3) * at(m, 2, (j + 2) % 3) - at(m, 1, (j + 2) % 3) * at(m, 2, (j + 1) % 3)), 0);
}

/** Cramer's rule: up to three unknowns. */
function solve(m: readonly (readonly number[])[], right: readonly number[]): number[] {
  const whole = determinant(m);
  return right.map((_, k) => determinant(m.map((row, i) => row.map((value, j) => (j === k ? right[i] ?? 0 : value)))) / whole);
}
