/** Polynomials over the integers modulo a prime, as arrays of coefficients with the constant first. */

/** The largest prime below 2^16. The bits of every finite bfloat16 value are smaller. */
export const PRIME = 65_521;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The polynomial of degree < points through all points, by Newton's divided differences and then expanded; O(n^2).
 * Every x is distinct, and x and y lie in 0..PRIME-1.
 */
export function interpolate(points: readonly Point[]): Uint16Array {
  const differences = dividedDifferences(points);
  const coefficients = new Uint16Array(points.length);
  // Horner over the Newton basis, from the highest difference: c(x) = c(x) * (x - x_i) + d_i.
  for (let i = points.length - 1; i >= 0; i--) {
    const shift = PRIME - (points[i]?.x ?? 0);
    for (let j = points.length - 1; j > 0; j--) coefficients[j] = ((coefficients[j - 1] ?? 0) + (coefficients[j] ?? 0) * shift) % PRIME;
    coefficients[0] = ((differences[i] ?? 0) + (coefficients[0] ?? 0) * shift) % PRIME;
  }
  return coefficients;
}

function dividedDifferences(points: readonly Point[]): Uint16Array {
  const differences = Uint16Array.from(points, ({ y }) => y);
  for (let order = 1; order < points.length; order++) {
    for (let i = points.length - 1; i >= order; i--) {
      const rise = (differences[i] ?? 0) - (differences[i - 1] ?? 0) + PRIME;
      const run = (points[i]?.x ?? 0) - (points[i - order]?.x ?? 0) + PRIME;
      differences[i] = ((rise % PRIME) * inverse(run % PRIME)) % PRIME;
    }
  }
  return differences;
}

// All inverses at once, 128 KiB: a commitment needs 8,128 of them.
let inverses: Uint16Array | undefined;

function inverse(value: number): number {
  inverses ??= inverseTable();
  return inverses[value] ?? 0;
}

/** p = q i + r gives 1/i = -q/r. */
function inverseTable(): Uint16Array {
  const table = new Uint16Array(PRIME);
  table[1] = 1;
  for (let i = 2; i < PRIME; i++) table[i] = ((PRIME - Math.floor(PRIME / i)) * (table[PRIME % i] ?? 0)) % PRIME;
  return table;
}

export function evaluate(coefficients: Uint16Array, x: number): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = (value * x + (coefficients[i] ?? 0)) % PRIME;
  return value;
}
