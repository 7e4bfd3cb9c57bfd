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

/** Extended Euclid. */
function inverse(value: number): number {
  let [a, b, u, v] = [value, PRIME, 1, 0];
  while (a !== 1) {
    const q = Math.floor(b / a);
    [a, b, u, v] = [b - q * a, a, v - q * u, u];
  }
  return u < 0 ? u + PRIME : u;
}

export function evaluate(coefficients: Uint16Array, x: number): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = (value * x + (coefficients[i] ?? 0)) % PRIME;
  return value;
}
