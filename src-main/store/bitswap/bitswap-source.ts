import { decode } from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import { toCoded, type CodedError, type PeerId, type ShardCid } from '../../base/index.ts';
import { blockOf, HASH_BYTES, leafCid, leafCount, leafHash, MAX_TREE_BYTES, SHARD_SHAPE, type ShardTree } from '../dag/index.ts';
import { blockDigest, exchangeErrors, type LeafRun, type Source, type SourceSink } from '../exchange/index.ts';
import { treeFault } from '../exchange/client/tree-fault.ts';
import { ANSWER_TIMEOUT_MS } from '../exchange/options.ts';
import type { Holding } from '../exchange/wire/codec.ts';
import type { Want } from './message.ts';
import { KEPT_BLOCKS, PARALLEL_QUESTIONS, WINDOW_LEAVES } from './options.ts';
import type { RecentKeys } from './recent-keys.ts';

export interface BitswapSourceInit {
  readonly peer: PeerId;
  readonly sink: SourceSink;
  /** Sends one message to the peer. */
  readonly send: (wants: readonly Want[]) => Promise<void>;
  /** Blocks that came or were called off, of this peer: they may come once more, also after this source is closed. */
  readonly past: RecentKeys;
  /** No more messages are to come here. */
  readonly onClosed: (source: BitswapSource) => void;
}

/** A leaf that a fetch waits for: the same block may be several leaves. */
interface Asked {
  readonly cid: ShardCid;
  readonly leaf: number;
}

const NOTHING: Holding = { held: 'none', sizeBytes: 0 };

/**
 * An IPFS node that shards come from. It cannot say what it has of a shard nor list the leaves: the tree's nodes are
 * fetched as blocks, whose hashes lead to the CID, and a leaf that is not there is refused when it is asked for.
 */
export class BitswapSource implements Source {
  readonly name: string;
  readonly peer: PeerId;
  readonly windowLeaves = WINDOW_LEAVES;
  readonly closed: Promise<Error | undefined>;
  readonly #init: BitswapSourceInit;
  readonly #settled = Promise.withResolvers<Error | undefined>();
  /** Nodes and single blocks that are waited for, by CID. */
  readonly #questions = new Map<string, PromiseWithResolvers<Uint8Array | undefined>>();
  /** Leaves that are waited for, by CID. */
  readonly #asked = new Map<string, readonly Asked[]>();
  /** Single blocks and roots: asking what it has already brought them. Some implementations do not send a block twice within seconds. */
  readonly #kept = new Map<string, Uint8Array>();
  #isOver = false;

  constructor(init: BitswapSourceInit) {
    this.#init = init;
    this.name = this.peer = init.peer;
    this.closed = this.#settled.promise;
  }

  get askedLeaves(): number {
    let count = 0;
    for (const asked of this.#asked.values()) count += asked.length;
    return count;
  }

  async holdings(cids: readonly ShardCid[]): Promise<readonly Holding[]> {
    const all: Holding[] = [];
    for (let at = 0; at < cids.length; at += PARALLEL_QUESTIONS) all.push(...await Promise.all(cids.slice(at, at + PARALLEL_QUESTIONS).map((cid) => this.#holding(cid))));
    return all;
  }

  async tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree | undefined> {
    const digest = blockDigest(cid);
    if (digest !== undefined) return { cid, sizeBytes, leafHashes: digest };
    const leafHashes = await this.#leafHashes(cid, leafCount(sizeBytes));
    if (leafHashes === undefined) return undefined;
    const tree = { cid, sizeBytes, leafHashes };
    const fault = treeFault(tree, this.name);
    if (fault !== undefined) throw this.fail(fault);
    return tree;
  }

  ask({ tree, first, count }: LeafRun): void {
    const wants: Want[] = [];
    for (let leaf = first; leaf < first + count; leaf++) {
      const block = blockDigest(tree.cid) === undefined ? leafCid(leafHash(tree.leafHashes, leaf)) : CID.parse(tree.cid);
      const key = block.toString();
      const asked = this.#asked.get(key);
      this.#asked.set(key, [...asked ?? [], { cid: tree.cid, leaf }]);
      const kept = this.#kept.get(key);
      // A leaf comes later than it was asked for, also one that is here.
      if (kept !== undefined) queueMicrotask(() => void this.take(key, kept));
      else if (asked === undefined) wants.push(wanted(block));
    }
    this.#post(wants);
  }

  cancel(cid: ShardCid, leaf: number): void {
    for (const [key, asked] of this.#asked) {
      const left = asked.filter((one) => one.cid !== cid || one.leaf !== leaf);
      if (left.length === asked.length) continue;
      if (left.length > 0) this.#asked.set(key, left);
      else this.#callOff([key]);
    }
  }

  close(error?: CodedError): void {
    if (this.#isOver) return;
    if (error === undefined) this.#callOff([...this.#asked.keys()]);
    this.#end(error);
  }

  /** A block from the peer, named by its own bytes. False when nobody here asked for it. */
  take(key: string, bytes: Uint8Array): boolean {
    const asked = this.#asked.get(key);
    const question = this.#questions.get(key);
    if (asked === undefined && question === undefined) return this.#init.past.has(key);
    this.#asked.delete(key);
    this.#questions.delete(key);
    this.#init.past.add(key);
    if (question !== undefined) this.#keep(key, bytes);
    question?.resolve(bytes);
    this.#init.sink.heard(this, bytes.length);
    for (const { cid, leaf } of asked ?? []) this.#init.sink.leaf(this, { cid, leaf, bytes, release: () => undefined });
    return true;
  }

  /** The peer says that it does not have a block. */
  refuse(key: string): void {
    this.#questions.get(key)?.resolve(undefined);
    this.#questions.delete(key);
    const asked = this.#asked.get(key) ?? [];
    this.#asked.delete(key);
    for (const { cid, leaf } of asked) this.#init.sink.refused(this, { cid, leaf, refusal: 'not held' });
  }

  /** Ends it for a reason that the fetch is told. */
  fail(error: CodedError): CodedError {
    if (!this.#isOver) {
      this.#end(error);
      this.#init.sink.ended(this, error);
    }
    return error;
  }

  async #holding(cid: ShardCid): Promise<Holding> {
    const bytes = await this.#block(CID.parse(cid));
    const sizeBytes = bytes === undefined ? 0 : blockDigest(cid) === undefined ? nodeOf(bytes)?.fileBytes ?? 0 : bytes.length;
    return sizeBytes > 0 && sizeBytes <= MAX_TREE_BYTES ? { held: 'all', sizeBytes } : NOTHING;
  }

  /** From the root down; undefined where a node is not there, or has another shape than a shard's. */
  async #leafHashes(cid: ShardCid, leaves: number): Promise<Uint8Array | undefined> {
    let level = [CID.parse(cid)];
    for (const expected of levelsOf(leaves)) {
      const below: CID[] = [];
      for (let at = 0; at < level.length; at += PARALLEL_QUESTIONS) {
        const nodes = await Promise.all(level.slice(at, at + PARALLEL_QUESTIONS).map((node) => this.#block(node)));
        for (const bytes of nodes) below.push(...(bytes === undefined ? undefined : nodeOf(bytes)?.links) ?? []);
      }
      if (below.length !== expected) return undefined;
      level = below;
    }
    const leafHashes = new Uint8Array(leaves * HASH_BYTES);
    for (const [leaf, link] of level.entries()) {
      const block = blockOf(link);
      if (block?.kind !== 'leaf') return undefined;
      leafHashes.set(block.hash, leaf * HASH_BYTES);
    }
    return leafHashes;
  }

  /** A node, or another single block, checked; undefined when the peer has none. */
  #block(cid: CID): Promise<Uint8Array | undefined> {
    const key = cid.toString();
    const kept = this.#kept.get(key);
    if (kept !== undefined) return Promise.resolve(kept);
    const earlier = this.#questions.get(key);
    if (earlier !== undefined) return earlier.promise;
    const question = Promise.withResolvers<Uint8Array | undefined>();
    this.#questions.set(key, question);
    this.#post([wanted(cid)]);
    const timer = setTimeout(() => this.fail(exchangeErrors.noAnswer({ peer: this.name, what: key, waitedMs: ANSWER_TIMEOUT_MS })), ANSWER_TIMEOUT_MS);
    return question.promise.finally(() => clearTimeout(timer));
  }

  #keep(key: string, bytes: Uint8Array): void {
    // Its own bytes: a message of many blocks must not stay for one.
    this.#kept.set(key, Uint8Array.from(bytes));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_BLOCKS) return;
      this.#kept.delete(oldest);
    }
  }

  #callOff(keys: readonly string[]): void {
    for (const key of keys) {
      this.#asked.delete(key);
      this.#init.past.add(key);
    }
    this.#post(keys.map((key) => ({ ...wanted(CID.parse(key)), isCancel: true })));
  }

  #post(wants: readonly Want[]): void {
    if (wants.length === 0 || this.#isOver) return;
    this.#init.send(wants).catch((error: unknown) => this.fail(exchangeErrors.linkLost({ peer: this.name, reason: toCoded(error).message }, error)));
  }

  #end(error: CodedError | undefined): void {
    this.#isOver = true;
    for (const key of [...this.#asked.keys(), ...this.#questions.keys()]) this.#init.past.add(key);
    for (const question of this.#questions.values()) {
      question.promise.catch(() => undefined);
      question.reject(error ?? exchangeErrors.cancelled({}));
    }
    this.#questions.clear();
    this.#asked.clear();
    this.#kept.clear();
    this.#init.onClosed(this);
    this.#settled.resolve(error);
  }
}

const wanted = (cid: CID): Want => ({ cid, kind: 'block', isCancel: false, wantsRefusal: true });

/** How many links the nodes of each level have together, from the root's down to the leaves. */
function levelsOf(leaves: number): readonly number[] {
  const levels = [leaves];
  for (let count = leaves; count > SHARD_SHAPE.maxLinks;) levels.unshift(count = Math.ceil(count / SHARD_SHAPE.maxLinks));
  return levels;
}

interface FileNode {
  readonly fileBytes: number;
  readonly links: readonly CID[];
}

/** An inner node of a file; undefined for anything else. Its hash was checked, but a stranger may have made it. */
function nodeOf(bytes: Uint8Array): FileNode | undefined {
  try {
    const { Data, Links } = decode(bytes);
    if (Data === undefined || Links.length === 0 || Links.length > SHARD_SHAPE.maxLinks) return undefined;
    return { fileBytes: Number(UnixFS.unmarshal(Data).fileSize()), links: Links.map(({ Hash }) => Hash) };
  } catch {
    return undefined;
  }
}
