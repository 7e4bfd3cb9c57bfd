import { blake3 } from '@napi-rs/blake-hash';
import { encode, prepare, type PBLink } from '@ipld/dag-pb';
import type { CID } from 'multiformats/cid';
import { writer } from 'protons-runtime';
import type { ShardCid } from '../../base/index.ts';
import { dagErrors } from '../errors.ts';
import { leafCid, nodeCid, shardCidOf } from './cid.ts';
import { HASH_BYTES, leafCount, leafHash, leafLength, MAX_TREE_BYTES, SHARD_SHAPE, type TreeShape } from './shape.ts';

/** What is needed to check every byte of a shard: 32 bytes for each leaf of 1 MiB. */
export interface ShardTree {
  /** Of the root: the shard's name. */
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  /** BLAKE3-256 digests of the leaves, in order, one after the other. */
  readonly leafHashes: Uint8Array;
}

export interface TreeNode {
  readonly cid: CID;
  /** DAG-PB of a UnixFS file node. */
  readonly bytes: Uint8Array;
  /** Every inner node has a level; the leaves are level 0. */
  readonly level: number;
}

interface Child {
  readonly cid: CID;
  /** Bytes of the file below. */
  readonly fileBytes: number;
  /** Bytes of all blocks below and this one: what dag-pb calls Tsize. */
  readonly blockBytes: number;
}

/**
 * The inner nodes above these leaves, children before parents, the root last; none
 * above a single leaf. A balanced tree as `ipfs add --raw-leaves` builds it, of wider
 * nodes (UnixFS specification, "Balanced DAG layout"). Throws DAG_BAD_SIZE, DAG_WRONG_LEAVES.
 */
export function* innerNodes(tree: Pick<ShardTree, 'leafHashes' | 'sizeBytes'>, shape: TreeShape = SHARD_SHAPE): Generator<TreeNode, CID> {
  const count = checkCount(tree, shape);
  let below: Child[] = Array.from({ length: count }, (_, leaf) => {
    const fileBytes = leafLength(tree.sizeBytes, leaf, shape);
    return { cid: leafCid(leafHash(tree.leafHashes, leaf)), fileBytes, blockBytes: fileBytes };
  });
  for (let level = 1; below.length > 1; level++) {
    const above: Child[] = [];
    for (let at = 0; at < below.length; at += shape.maxLinks) {
      const { node, child } = parentOf(below.slice(at, at + shape.maxLinks), level);
      yield node;
      above.push(child);
    }
    below = above;
  }
  const [root] = below;
  if (root === undefined) throw dagErrors.badSize({ sizeBytes: tree.sizeBytes, maxBytes: MAX_TREE_BYTES });
  return root.cid;
}

function parentOf(children: readonly Child[], level: number): { node: TreeNode; child: Child } {
  const links = children.map(({ cid, blockBytes }): PBLink => ({ Name: '', Hash: cid, Tsize: blockBytes }));
  const bytes = encode(prepare({ Data: fileData(children), Links: links }));
  const cid = nodeCid(Uint8Array.from(blake3(bytes)));
  const sum = (of: 'fileBytes' | 'blockBytes'): number => children.reduce((total, child) => total + child[of], 0);
  return { node: { cid, bytes, level }, child: { cid, fileBytes: sum('fileBytes'), blockBytes: bytes.length + sum('blockBytes') } };
}

/** Fields of the UnixFS message with their wire type, a number; type 2 is a file (UnixFS specification, "data-pb"). */
const UNIXFS = { type: 1 << 3, fileSize: 3 << 3, blockSizes: 4 << 3 } as const;
const FILE = 2;

// Not by ipfs-unixfs: with protons-runtime 7.1.2 to 8.0.1 it writes a size of 2^31 to 2^32 - 1 as what lay in memory before.
function fileData(children: readonly Child[]): Uint8Array {
  const data = writer().uint32(UNIXFS.type).int32(FILE).uint32(UNIXFS.fileSize).uint64Number(children.reduce((sum, { fileBytes }) => sum + fileBytes, 0));
  for (const { fileBytes } of children) data.uint32(UNIXFS.blockSizes).uint64Number(fileBytes);
  return data.finish();
}

/** The CID that these leaves of a file of this size have. Throws DAG_BAD_SIZE, DAG_WRONG_LEAVES. */
export function rootOf(tree: Pick<ShardTree, 'leafHashes' | 'sizeBytes'>, shape: TreeShape = SHARD_SHAPE): ShardCid {
  const nodes = innerNodes(tree, shape);
  for (;;) {
    const step = nodes.next();
    if (step.done === true) return shardCidOf(step.value);
  }
}

/** Checks a list of leaf hashes that a stranger sent, or that lay on disk, against the CID. Throws DAG_BAD_SIZE, DAG_WRONG_LEAVES. */
export function checkTree(tree: ShardTree, shape: TreeShape = SHARD_SHAPE): void {
  if (rootOf(tree, shape) !== tree.cid) throw dagErrors.wrongLeaves({ cid: tree.cid, problem: 'these leaves have another root' });
}

/** True when `bytes` are leaf `leaf` of the tree: right length, right hash. Throws DAG_NO_SUCH_LEAF. */
export function isLeaf(tree: Pick<ShardTree, 'leafHashes' | 'sizeBytes'>, leaf: number, bytes: Uint8Array): boolean {
  return bytes.length === leafLength(tree.sizeBytes, leaf) && blake3(bytes).equals(leafHash(tree.leafHashes, leaf));
}

function checkCount({ leafHashes, sizeBytes }: Pick<ShardTree, 'leafHashes' | 'sizeBytes'>, shape: TreeShape): number {
  const count = leafCount(sizeBytes, shape);
  if (leafHashes.length !== count * HASH_BYTES) throw dagErrors.wrongLeaves({ problem: `${sizeBytes} bytes have ${count} leaves, not ${leafHashes.length / HASH_BYTES}` });
  return count;
}
