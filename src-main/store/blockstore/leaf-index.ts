import { HASH_BYTES, leafHash, type ShardTree } from '../dag/index.ts';

/** Finds a leaf by its hash in 4 bytes a leaf: the leaves of a shard, ordered by hash. */
export class LeafIndex {
  readonly #leafHashes: Uint8Array;
  readonly #order: Uint32Array;

  constructor({ leafHashes }: Pick<ShardTree, 'leafHashes'>) {
    this.#leafHashes = leafHashes;
    this.#order = Uint32Array.from({ length: leafHashes.length / HASH_BYTES }, (_, leaf) => leaf);
    this.#order.sort((a, b) => Buffer.compare(leafHash(leafHashes, a), leafHash(leafHashes, b)) || a - b);
  }

  /** Every leaf with this hash: the same bytes may lie at several places. */
  *find(hash: Uint8Array): Generator<number> {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#at(middle), hash) < 0) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#order.length && Buffer.compare(this.#at(low), hash) === 0; low++) yield this.#order[low] ?? 0;
  }

  #at(rank: number): Uint8Array {
    return leafHash(this.#leafHashes, this.#order[rank] ?? 0);
  }
}
