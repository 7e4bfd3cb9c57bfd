import { Blake3Hasher } from '@napi-rs/blake-hash';
import type { ByteSource } from '../gguf/source.ts';
import { HASH_BYTES, leafCount, SHARD_SHAPE, type TreeShape } from './shape.ts';
import { rootOf, type ShardTree } from './tree.ts';

const READ_BYTES = 8 * 1024 * 1024;

/** A tree, and BLAKE3 of the whole file (64 hex digits), which other tools compute too. */
export interface HashedTree extends ShardTree {
  readonly hash: string;
}

/** Hashes leaves and the whole file in one pass over bytes that come in pieces of any size. */
export class TreeHasher {
  readonly #whole = new Blake3Hasher();
  readonly #leaf = new Blake3Hasher();
  readonly #shape: TreeShape;
  #hashes: Buffer;
  #leaves = 0;
  #inLeafBytes = 0;
  #sizeBytes = 0;

  /** `sizeBytes`, where it is known, saves growing the list of hashes. */
  constructor(sizeBytes = 0, shape: TreeShape = SHARD_SHAPE) {
    this.#shape = shape;
    this.#hashes = Buffer.allocUnsafeSlow(HASH_BYTES * Math.max(64, sizeBytes === 0 ? 0 : leafCount(sizeBytes, shape)));
  }

  update(bytes: Uint8Array): void {
    this.#whole.update(bytes);
    this.#sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(this.#shape.leafBytes - this.#inLeafBytes, bytes.length - at);
      this.#leaf.update(bytes.subarray(at, at + length));
      this.#inLeafBytes += length;
      at += length;
      if (this.#inLeafBytes === this.#shape.leafBytes) this.#endLeaf();
    }
  }

  /** Ends the hashing; the hasher is of no use afterwards. Throws DAG_BAD_SIZE for no bytes at all. */
  finish(): HashedTree {
    if (this.#inLeafBytes > 0) this.#endLeaf();
    const tree = { sizeBytes: this.#sizeBytes, leafHashes: Uint8Array.from(this.#hashes.subarray(0, this.#leaves * HASH_BYTES)) };
    return { cid: rootOf(tree, this.#shape), ...tree, hash: this.#whole.digest('hex') };
  }

  #endLeaf(): void {
    if ((this.#leaves + 1) * HASH_BYTES > this.#hashes.length) this.#hashes = Buffer.concat([this.#hashes], 2 * this.#hashes.length);
    this.#leaf.digestBuffer().copy(this.#hashes, this.#leaves * HASH_BYTES);
    this.#leaf.reset();
    this.#leaves++;
    this.#inLeafBytes = 0;
  }
}

export interface HashTreeOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** The tree of a whole source, read in pieces of 8 MiB. Throws STORE_READ_FAILED, DAG_BAD_SIZE or the signal's reason. */
export async function hashTree(source: ByteSource, options: HashTreeOptions = {}): Promise<HashedTree> {
  const hasher = new TreeHasher(source.sizeBytes);
  const into = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, Math.max(1, source.sizeBytes)));
  const readOptions = options.signal === undefined ? { into } : { into, signal: options.signal };
  for (let at = 0; at < source.sizeBytes; at += READ_BYTES) {
    const bytes = await source.read(at, Math.min(READ_BYTES, source.sizeBytes - at), readOptions);
    hasher.update(bytes);
    options.onBytes?.(bytes.length);
  }
  return hasher.finish();
}
