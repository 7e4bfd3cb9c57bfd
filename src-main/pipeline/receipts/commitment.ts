import { topEntries, type Entry } from './activations.ts';
import { receiptErrors } from './errors.ts';
import { TOP_ENTRIES, type Thresholds } from './options.ts';
import { evaluate, interpolate, PRIME } from './polynomial.ts';

/** Below half the field a modulus would only fold more entries onto each other; an honest one is found near the top. */
const MIN_MODULUS = 32_769;
const SIGN_BIT = 0x8000;
/** An eighth of an octave. Noise comes nearer than this once in 2,000 entries, and then moves a mean of 128 by an eighth at most. */
const NEAR_STEPS = 16;

/**
 * Commits to a window of hidden states, robust to the last bits of float arithmetic: the TOPLOC proof (arXiv
 * 2501.16007). The entries of largest magnitude, as bfloat16, become a polynomial through (index mod m, bits) over
 * the integers mod 65521; m is the largest modulus that keeps these indices apart. Who recomputes the window finds
 * nearly the same entries and asks the polynomial for their values; at any other index it gives noise. Unlike the paper,
 * which counts exponents and mantissas apart, `compare` counts steps of bfloat16: values on both sides of a power of two
 * are near, and noise that happens to have the right exponent is not.
 *
 * `values`: [rows x hidden size] F32. Returns u16 m and a u16 coefficient per entry, little-endian: 258 bytes, fewer
 * when the window has fewer than 128 values. Throws RECEIPT_NOT_FINITE.
 */
export const commit = (values: Float32Array): Uint8Array<ArrayBuffer> => commitEntries(topEntries(values, TOP_ENTRIES));

/** The same of entries that were found before: the 128 largest of a window, in whatever order. */
export function commitEntries(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const modulus = injectiveModulus(entries.map((entry) => entry.index));
  const coefficients = interpolate(entries.map(({ index, bits }) => ({ x: index % modulus, y: bits })));
  const bytes = Buffer.alloc(2 + 2 * coefficients.length);
  bytes.writeUInt16LE(modulus, 0);
  coefficients.forEach((coefficient, i) => bytes.writeUInt16LE(coefficient, 2 + 2 * i));
  return bytes;
}

/** A random 128 of many collide under one modulus in about one case of eight, so that the first few suffice. */
function injectiveModulus(indices: readonly number[]): number {
  for (let modulus = PRIME; modulus >= MIN_MODULUS; modulus--) {
    if (new Set(indices.map((index) => index % modulus)).size === indices.length) return modulus;
  }
  throw receiptErrors.noModulus({ entries: indices.length });
}

export interface Difference {
  readonly entries: number;
  /** Entries that the commitment has another sign for, or a value more than 16 bfloat16 steps away. */
  readonly lost: number;
  /** Steps by which the other entries differ; infinite when there are none. */
  readonly stepsMean: number;
  readonly stepsMedian: number;
}

/** How many bytes a commitment to so many values has. */
export const commitmentBytes = (values: number): number => 2 + 2 * Math.min(TOP_ENTRIES, values);

/**
 * Compares a commitment, which may come from anywhere, with a window recomputed here.
 * Throws RECEIPT_MALFORMED when it is no commitment to a window of this size, RECEIPT_NOT_FINITE.
 */
export function compare(commitment: Uint8Array, values: Float32Array): Difference {
  const { modulus, coefficients } = decode(commitment, values.length);
  const near: number[] = [];
  const entries = topEntries(values, TOP_ENTRIES);
  for (const { index, bits } of entries) {
    const steps = stepsBetween(evaluate(coefficients, index % modulus), bits);
    if (steps <= NEAR_STEPS) near.push(steps);
  }
  return { entries: entries.length, lost: entries.length - near.length, stepsMean: mean(near), stepsMedian: median(near) };
}

/** Of one sign the bits of bfloat16 values are in the order of their magnitude, across exponents too. */
const stepsBetween = (a: number, b: number): number => ((a & SIGN_BIT) === (b & SIGN_BIT) ? Math.abs(a - b) : Infinity);

function decode(bytes: Uint8Array, values: number): { modulus: number; coefficients: Uint16Array } {
  const expected = commitmentBytes(values);
  if (bytes.length !== expected) throw receiptErrors.malformed({ problem: `a commitment of ${bytes.length} bytes where ${expected} are due` });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const modulus = view.getUint16(0, true);
  // Indices of a small window are apart under the prime itself, and no other modulus is right.
  if (modulus > PRIME || modulus < (values <= PRIME ? PRIME : MIN_MODULUS)) throw receiptErrors.malformed({ problem: `a commitment with modulus ${modulus}` });
  const coefficients = Uint16Array.from({ length: (bytes.length - 2) >> 1 }, (_, i) => view.getUint16(2 + 2 * i, true));
  if (coefficients.some((coefficient) => coefficient >= PRIME)) throw receiptErrors.malformed({ problem: 'a commitment with a coefficient outside the field' });
  return { modulus, coefficients };
}

/** Which limit a difference exceeds; undefined: none. */
export function exceeded({ entries, lost, stepsMean, stepsMedian }: Difference, limits: Thresholds): string | undefined {
  if (lost > limits.lostShare * entries) return `${lost} of ${entries} entries are others`;
  if (stepsMean > limits.stepsMean) return `entries differ by ${stepsMean.toFixed(2)} steps on average`;
  return stepsMedian > limits.stepsMedian ? `entries differ by ${stepsMedian} steps in the median` : undefined;
}

const mean = (values: readonly number[]): number => (values.length === 0 ? Infinity : values.reduce((sum, value) => sum + value, 0) / values.length);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length === 0 ? Infinity : sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

