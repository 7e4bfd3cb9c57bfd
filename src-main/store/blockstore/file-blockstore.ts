import { blake3 } from '@napi-rs/blake-hash';
import type { Blockstore, InputPair, Pair } from 'interface-blockstore';
import { CID } from 'multiformats/cid';
import { isCoded } from '../../base/index.ts';
import { BLAKE3, blockOf, checkTree, innerNodes, leafCid, leafHash, HASH_BYTES, type LeafSet, type ShardTree, type TreeNode } from '../dag/index.ts';
import { blockErrors } from '../errors.ts';
import { LeafIndex } from './leaf-index.ts';
import { ShardReader, type OnProblem, type ShardFile } from './shard-file.ts';

/** Manifests are the only blocks kept in memory. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** Gives leaves of one shard, checked. */
export type LeafReader = Pick<ShardReader, 'read' | 'close'>;

interface Held {
  readonly tree: ShardTree;
  readonly index: LeafIndex;
  /** The leaves that are there; absent where all are. */
  readonly present?: LeafSet;
  /** Undefined when it is not here any more. */
  readonly open: () => Promise<LeafReader | undefined>;
}

/**
 * The blocks of shards, out of the files where they lie: no block is stored a second
 * time. Leaves are read and checked when they are asked for; inner nodes are computed
 * from the leaf hashes; only manifests are kept. Nothing can be put that is not there,
 * for only the exchange knows which file a block belongs to.
 */
export class FileBlockstore implements Blockstore {
  readonly #shards = new Map<string, Held>();
  /** Hex of the hash of an inner node -> the shards that have it. */
  readonly #nodes = new Map<string, Set<string>>();
  readonly #kept = new Map<string, Uint8Array>();
  readonly #onProblem: OnProblem;

  constructor(onProblem: OnProblem = () => undefined) {
    this.#onProblem = onProblem;
  }

  /** Serves a shard from now on; again with the same CID replaces it. Throws DAG_WRONG_LEAVES. */
  add(file: ShardFile): void {
    const { present } = file;
    this.#put({ tree: file, index: new LeafIndex(file), ...(present === undefined ? {} : { present }), open: () => ShardReader.open(file, this.#onProblem) });
  }

  /** Serves a shard that is no file of its own. Throws DAG_WRONG_LEAVES. */
  addReadable(tree: ShardTree, open: Held['open']): void {
    this.#put({ tree, index: new LeafIndex(tree), open });
  }

  remove(cid: string): void {
    const held = this.#shards.get(cid);
    if (held === undefined) return;
    this.#shards.delete(cid);
    for (const { cid: node } of innerNodes(held.tree)) {
      const shards = this.#nodes.get(hexOf(node));
      shards?.delete(cid);
      if (shards?.size === 0) this.#nodes.delete(hexOf(node));
    }
  }

  /** Keeps a small block, such as a manifest, in memory. Throws BLOCK_WRONG_HASH, BLOCK_TOO_BIG. */
  keep(cid: CID, bytes: Uint8Array): void {
    if (bytes.length > MAX_KEPT_BYTES) throw blockErrors.tooBig({ cid: cid.toString(), sizeBytes: bytes.length, maxBytes: MAX_KEPT_BYTES });
    if (cid.multihash.code !== BLAKE3 || !blake3(bytes).equals(cid.multihash.digest)) throw blockErrors.wrongHash({ cid: cid.toString() });
    this.#kept.set(cid.toString(), Uint8Array.from(bytes));
  }

  has(cid: CID): boolean {
    if (this.#kept.has(cid.toString())) return true;
    const block = blockOf(cid);
    if (block?.kind === 'node') return this.#nodes.has(hexOf(cid));
    return block !== undefined && !this.#places(block.hash).next().done;
  }

  /** Throws BLOCK_NOT_HERE (its name is NotFoundError, which IPFS code looks for), BLOCK_GONE, BLOCK_DAMAGED. */
  async *get(cid: CID): AsyncGenerator<Uint8Array> {
    yield await this.#block(cid);
  }

  async *getMany(source: Iterable<CID> | AsyncIterable<CID>): AsyncGenerator<Pair> {
    for await (const cid of source) yield { cid, bytes: this.get(cid) };
  }

  async *getAll(): AsyncGenerator<Pair> {
    for (const text of this.#kept.keys()) yield this.#pair(CID.parse(text));
    for (const { tree, present } of this.#shards.values()) {
      for (const { cid } of innerNodes(tree)) yield this.#pair(cid);
      for (let leaf = 0; leaf < tree.leafHashes.length / HASH_BYTES; leaf++) {
        if (present?.has(leaf) !== false) yield this.#pair(leafCid(leafHash(tree.leafHashes, leaf)));
      }
    }
  }

  /** Only says yes to what is there already. Throws BLOCK_READ_ONLY. */
  put(cid: CID): CID {
    if (this.has(cid)) return cid;
    throw blockErrors.readOnly({ cid: cid.toString() });
  }

  async *putMany(source: Iterable<InputPair> | AsyncIterable<InputPair>): AsyncGenerator<CID> {
    for await (const { cid } of source) yield this.put(cid);
  }

  /** Throws BLOCK_READ_ONLY: files go by the catalogue. */
  delete(cid: CID): void {
    throw blockErrors.readOnly({ cid: cid.toString() });
  }

  async *deleteMany(source: Iterable<CID> | AsyncIterable<CID>): AsyncGenerator<CID> {
    for await (const cid of source) this.delete(cid);
  }

  #put(held: Held): void {
    const { tree } = held;
    checkTree(tree);
    this.remove(tree.cid);
    this.#shards.set(tree.cid, held);
    for (const { cid } of innerNodes(tree)) {
      const hash = hexOf(cid);
      this.#nodes.set(hash, (this.#nodes.get(hash) ?? new Set()).add(tree.cid));
    }
  }

  #pair(cid: CID): Pair {
    return { cid, bytes: this.get(cid) };
  }

  async #block(cid: CID): Promise<Uint8Array> {
    const kept = this.#kept.get(cid.toString());
    if (kept !== undefined) return kept;
    const block = blockOf(cid);
    if (block?.kind === 'node') return this.#node(cid).bytes;
    if (block?.kind === 'leaf') return this.#leaf(cid, block.hash);
    throw notHere(cid);
  }

  #node(cid: CID): TreeNode {
    for (const shard of this.#nodes.get(hexOf(cid)) ?? []) {
      const held = this.#shards.get(shard);
      if (held === undefined) continue;
      for (const node of innerNodes(held.tree)) if (node.cid.equals(cid)) return node;
    }
    throw notHere(cid);
  }

  // The same bytes may lie in several files: one that is damaged does not make the others useless.
  async #leaf(cid: CID, hash: Uint8Array): Promise<Uint8Array> {
    let failure: unknown;
    for (const { open, leaf } of this.#places(hash)) {
      try {
        const bytes = await readLeaf(open, leaf);
        if (bytes !== undefined) return bytes;
      } catch (error) {
        if (!isCoded(error)) throw error;
        failure = error;
      }
    }
    throw failure ?? notHere(cid);
  }

  *#places(hash: Uint8Array): Generator<{ open: Held['open']; leaf: number }> {
    for (const { open, present, index } of this.#shards.values()) {
      for (const leaf of index.find(hash)) if (present?.has(leaf) !== false) yield { open, leaf };
    }
  }
}

async function readLeaf(open: Held['open'], leaf: number): Promise<Uint8Array | undefined> {
  const reader = await open();
  try {
    return await reader?.read(leaf);
  } finally {
    await reader?.close();
  }
}

const hexOf = (cid: CID): string => Buffer.from(cid.multihash.digest).toString('hex');

const notHere = (cid: CID): Error => Object.assign(blockErrors.notHere({ cid: cid.toString() }), { name: 'NotFoundError' });
