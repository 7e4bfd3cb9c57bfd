import { topEntries } from './activations.ts';
import { receiptErrors } from './errors.ts';
import { TOP_ENTRIES, type Thresholds } from './options.ts';
import { evaluate, interpolate, PRIME } from './polynomial.ts';

/** Below half the field a modulus would only fold more entries onto each other; an honest one is found near the top. */
const MIN_MODULUS = 32_769;
const MANTISSA_BITS = 7;
const MANTISSA = (1 << MANTISSA_BITS) - 1;

/**
 * Commits to a window of hidden states, robust to the last bits of float arithmetic: the TOPLOC proof (arXiv
 * 2501.16007). The entries of largest magnitude, as bfloat16, become a polynomial through (index mod m, bits) over
 * the integers mod 65521; m is the largest modulus that keeps these indices apart. Who recomputes the window finds
 * nearly the same entries and asks the polynomial for their values; at any other index it gives noise.
 *
 * `values`: [rows x hidden size] F32. Returns u16 m and a u16 coefficient per entry, little-endian: 258 bytes, fewer
 * when the window has fewer than 128 values. Throws RECEIPT_NOT_FINITE.
 */
export function commit(values: Float32Array): Uint8Array<ArrayBuffer> {
  const entries = topEntries(values, TOP_ENTRIES);
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
  /** Entries whose sign or exponent is another. */
  readonly exponentMismatches: number;
  /** Over the entries whose exponents agree; infinite when there are none. */
  readonly mantissaMean: number;
  readonly mantissaMedian: number;
}

/** How many bytes a commitment to so many values has. */
export const commitmentBytes = (values: number): number => 2 + 2 * Math.min(TOP_ENTRIES, values);

/**
 * Compares a commitment, which may come from anywhere, with a window recomputed here.
 * Throws RECEIPT_MALFORMED when it is no commitment to a window of this size, RECEIPT_NOT_FINITE.
 */
export function compare(commitment: Uint8Array, values: Float32Array): Difference {
  const { modulus, coefficients } = decode(commitment, values.length);
  const mantissas: number[] = [];
  const entries = topEntries(values, TOP_ENTRIES);
  for (const { index, bits } of entries) {
    const committed = evaluate(coefficients, index % modulus);
    if (committed >> MANTISSA_BITS === bits >> MANTISSA_BITS) mantissas.push(Math.abs((committed & MANTISSA) - (bits & MANTISSA)));
  }
  return { entries: entries.length, exponentMismatches: entries.length - mantissas.length, mantissaMean: mean(mantissas), mantissaMedian: median(mantissas) };
}

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
export function exceeded({ entries, exponentMismatches, mantissaMean, mantissaMedian }: Difference, limits: Thresholds): string | undefined {
  if (exponentMismatches > limits.exponentMismatchShare * entries) return `${exponentMismatches} of ${entries} exponents differ`;
  if (mantissaMean > limits.mantissaMean) return `mantissas differ by ${mantissaMean.toFixed(2)} on average`;
  return mantissaMedian > limits.mantissaMedian ? `mantissas differ by ${mantissaMedian} in the median` : undefined;
}

const mean = (values: readonly number[]): number => (values.length === 0 ? Infinity : values.reduce((sum, value) => sum + value, 0) / values.length);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length === 0 ? Infinity : sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

