import { dagErrors } from '../errors.ts';

/** Which leaves of a shard are there: one bit each, the lowest bit of the first byte for leaf 0. */
export class LeafSet {
  readonly size: number;
  readonly #bits: Uint8Array;
  #count = 0;

  /** `bits` is copied. Throws DAG_WRONG_LEAVES when it is of another length or names leaves that do not exist. */
  constructor(size: number, bits?: Uint8Array) {
    this.size = size;
    this.#bits = bits === undefined ? new Uint8Array(Math.ceil(size / 8)) : Uint8Array.from(bits);
    const beyond = size % 8 === 0 ? 0 : (this.#bits.at(-1) ?? 0) >> (size % 8);
    if (this.#bits.length !== Math.ceil(size / 8) || beyond !== 0) throw dagErrors.wrongLeaves({ problem: `${this.#bits.length} bytes are no set of ${size} leaves` });
    for (const byte of this.#bits) this.#count += bitsIn(byte);
  }

  static full(size: number): LeafSet {
    const set = new LeafSet(size);
    for (let leaf = 0; leaf < size; leaf++) set.add(leaf);
    return set;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.size;
  }

  has(leaf: number): boolean {
    return ((this.#bits[leaf >> 3] ?? 0) & (1 << (leaf & 7))) !== 0;
  }

  /** Throws DAG_NO_SUCH_LEAF. */
  add(leaf: number): void {
    this.#check(leaf);
    if (this.has(leaf)) return;
    this.#bits[leaf >> 3] = (this.#bits[leaf >> 3] ?? 0) | (1 << (leaf & 7));
    this.#count++;
  }

  /** Throws DAG_NO_SUCH_LEAF. */
  delete(leaf: number): void {
    this.#check(leaf);
    if (!this.has(leaf)) return;
    this.#bits[leaf >> 3] = (this.#bits[leaf >> 3] ?? 0) & ~(1 << (leaf & 7));
    this.#count--;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let leaf = 0; leaf < this.size; leaf++) if (this.has(leaf)) yield leaf;
  }

  *missing(): Generator<number> {
    for (let leaf = 0; leaf < this.size; leaf++) if (!this.has(leaf)) yield leaf;
  }

  /** A copy, for the wire or the disk. */
  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bits);
  }

  #check(leaf: number): void {
    if (!Number.isInteger(leaf) || leaf < 0 || leaf >= this.size) throw dagErrors.noSuchLeaf({ leaf, leaves: this.size });
  }
}

function bitsIn(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}
