import { dagErrors } from '../errors.ts';

/** How a file becomes a tree. Tests use small ones; every shard has `SHARD_SHAPE`. */
export interface TreeShape {
  readonly leafBytes: number;
  readonly maxLinks: number;
}

/** Bytes of a leaf; the last one of a file may be shorter. Also what bitswap and other IPFS tools take as one block. */
export const LEAF_BYTES = 1024 * 1024;
export const SHARD_SHAPE: TreeShape = { leafBytes: LEAF_BYTES, maxLinks: 1024 };

/** Bytes of a BLAKE3-256 digest. */
export const HASH_BYTES = 32;

/** 1 TiB: 2^20 leaves, whose list of hashes takes 32 MiB. */
export const MAX_TREE_BYTES = 2 ** 40;

/** Throws DAG_BAD_SIZE: empty, more than 1 TiB, or not a number of bytes. */
export function leafCount(sizeBytes: number, shape = SHARD_SHAPE): number {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > MAX_TREE_BYTES) throw dagErrors.badSize({ sizeBytes, maxBytes: MAX_TREE_BYTES });
  return Math.ceil(sizeBytes / shape.leafBytes);
}

/** Bytes of leaf `leaf`, counted from 0. Throws DAG_BAD_SIZE, DAG_NO_SUCH_LEAF. */
export function leafLength(sizeBytes: number, leaf: number, shape = SHARD_SHAPE): number {
  const leaves = leafCount(sizeBytes, shape);
  if (!Number.isInteger(leaf) || leaf < 0 || leaf >= leaves) throw dagErrors.noSuchLeaf({ leaf, leaves });
  return Math.min(shape.leafBytes, sizeBytes - leaf * shape.leafBytes);
}

/** The digest of leaf `leaf` in a packed list, without copying. */
export const leafHash = (leafHashes: Uint8Array, leaf: number): Uint8Array => leafHashes.subarray(leaf * HASH_BYTES, (leaf + 1) * HASH_BYTES);
