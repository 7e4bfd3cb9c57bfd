import type { ActivationDtype } from '../../inference/index.ts';
import { receiptErrors } from './errors.ts';

/** One entry of a window: where it lies in [rows x hidden size], and its bfloat16 bits. */
export interface Entry {
  readonly index: number;
  readonly bits: number;
}

/** Rows as they travel, as F32 values; little-endian. @throws RECEIPT_NOT_IN_Q8 */
export function rowValues(data: Uint8Array, dtype: ActivationDtype): Float32Array {
  if (dtype === 'q8') throw receiptErrors.notInQ8({});
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (dtype === 'f32') return Float32Array.from({ length: data.byteLength >> 2 }, (_, i) => view.getFloat32(i * 4, true));
  return Float32Array.from({ length: data.byteLength >> 1 }, (_, i) => halfValue(view.getUint16(i * 2, true)));
}

function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : exponent === 0x1f ? (fraction === 0 ? Infinity : Number.NaN) : (1024 + fraction) * 2 ** (exponent - 25);
  return (bits & 0x8000) === 0 ? magnitude : -magnitude;
}

/** The `count` entries of largest magnitude, or all when there are fewer; of equal ones the earlier. Throws RECEIPT_NOT_FINITE. */
export function topEntries(values: Float32Array, count: number): Entry[] {
  const kept = new SmallestFirst(values, Math.min(count, values.length));
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw receiptErrors.notFinite({ index: i });
    kept.offer(i);
  }
  const scratch = new DataView(new ArrayBuffer(4));
  return kept.indices.map((index) => ({ index, bits: bfloat16Bits(values[index] ?? 0, scratch) }));
}

/** The upper half of an F32, rounded to nearest, ties to even. */
function bfloat16Bits(value: number, scratch: DataView): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** A bounded heap of indices with the entry to give up first at its root. */
class SmallestFirst {
  readonly indices: number[] = [];
  readonly #values: Float32Array;
  readonly #capacity: number;

  constructor(values: Float32Array, capacity: number) {
    this.#values = values;
    this.#capacity = capacity;
  }

  offer(index: number): void {
    if (this.indices.length < this.#capacity) {
      this.indices.push(index);
      this.#rise(this.indices.length - 1);
    } else if (this.#magnitude(index) > this.#magnitude(this.indices[0] ?? 0)) {
      this.indices[0] = index;
      this.#sink(0);
    }
  }

  #magnitude(index: number): number {
    return Math.abs(this.#values[index] ?? 0);
  }

  /** Whether the entry at heap place a goes before the one at b: smaller, or as large and later. */
  #goesFirst(a: number, b: number): boolean {
    const [i, j] = [this.indices[a] ?? 0, this.indices[b] ?? 0];
    const difference = this.#magnitude(i) - this.#magnitude(j);
    return difference < 0 || (difference === 0 && i > j);
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#goesFirst(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    for (let at = from; ;) {
      let next = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.indices.length && this.#goesFirst(child, next)) next = child;
      if (next === at) return;
      this.#swap(at, next);
      at = next;
    }
  }

  #swap(a: number, b: number): void {
    [this.indices[a], this.indices[b]] = [this.indices[b] ?? 0, this.indices[a] ?? 0];
  }
}
