import { toCoded, type CodedError, type ShardCid } from '../../../base/index.ts';
import { HASH_BYTES, LEAF_BYTES, leafCount, leafLength, type ShardTree } from '../../dag/index.ts';
import { httpSource } from '../../gguf/http-source.ts';
import type { ByteSource } from '../../gguf/source.ts';
import type { BufferPool } from '../buffer-pool.ts';
import { blockDigest } from '../wire/cid.ts';
import type { Holding } from '../wire/codec.ts';
import type { LeafRun, Source, SourceSink } from './source.ts';
import { treeFault } from './tree-fault.ts';

export interface WebSourceInit {
  /** What is named when it lies: an address. */
  readonly name: string;
  /** Where a shard lies as a file; undefined when it is not there. */
  readonly urlOf: (cid: ShardCid) => string | undefined;
  /** Where its list of leaf hashes lies; peers may have it as well. */
  readonly leavesUrlOf?: (cid: ShardCid) => string | undefined;
  readonly sink: SourceSink;
  readonly pool: BufferPool;
}

/** Range requests under way at once: web servers and their stores like few, long ones. */
const PARALLEL = 4;

/** A web server that has shards as plain files: read by ranges, one leaf each, and checked as anything else. */
export class WebSource implements Source {
  readonly name: string;
  readonly windowLeaves = 2 * PARALLEL;
  readonly #init: WebSourceInit;
  readonly #files = new Map<ShardCid, Promise<ByteSource>>();
  readonly #queue: Array<{ readonly tree: ShardTree; readonly leaf: number }> = [];
  readonly #underWay = new Map<string, AbortController>();
  readonly closed: Promise<Error | undefined>;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #stop = new AbortController();

  constructor(init: WebSourceInit) {
    this.#init = init;
    this.name = init.name;
    this.closed = this.#closed.promise;
  }

  get askedLeaves(): number {
    return this.#queue.length + this.#underWay.size;
  }

  async holdings(cids: readonly ShardCid[]): Promise<readonly Holding[]> {
    const sizes = await Promise.all(cids.map(async (cid) => (await this.#open(cid)?.catch(() => undefined))?.sizeBytes ?? 0));
    return sizes.map((sizeBytes) => (sizeBytes === 0 ? { held: 'none', sizeBytes: 0 } : { held: 'all', sizeBytes }));
  }

  async tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree | undefined> {
    const digest = blockDigest(cid);
    if (digest !== undefined) return { cid, sizeBytes, leafHashes: digest };
    const url = this.#init.leavesUrlOf?.(cid);
    const lengthBytes = leafCount(sizeBytes) * HASH_BYTES;
    const list = url === undefined ? undefined : await httpSource(url, { signal: this.#stop.signal }).catch(() => undefined);
    if (list?.sizeBytes !== lengthBytes) return undefined;
    const tree = { cid, sizeBytes, leafHashes: await list.read(0, lengthBytes) };
    const fault = treeFault(tree, this.name);
    if (fault !== undefined) throw this.#fail(fault);
    return tree;
  }

  ask({ tree, first, count }: LeafRun): void {
    for (let leaf = first; leaf < first + count; leaf++) this.#queue.push({ tree, leaf });
    this.#next();
  }

  cancel(cid: ShardCid, leaf: number): void {
    const at = this.#queue.findIndex((asked) => asked.tree.cid === cid && asked.leaf === leaf);
    if (at >= 0) this.#queue.splice(at, 1);
    this.#underWay.get(keyOf(cid, leaf))?.abort();
  }

  close(error?: CodedError): void {
    this.#queue.length = 0;
    this.#stop.abort();
    this.#closed.resolve(error);
  }

  #next(): void {
    while (this.#underWay.size < PARALLEL && !this.#stop.signal.aborted) {
      const asked = this.#queue.shift();
      if (asked === undefined) return;
      void this.#read(asked.tree, asked.leaf).finally(() => this.#next());
    }
  }

  async #read(tree: ShardTree, leaf: number): Promise<void> {
    const { sink, pool } = this.#init;
    const cancel = new AbortController();
    this.#underWay.set(keyOf(tree.cid, leaf), cancel);
    const into = pool.take();
    const signal = AbortSignal.any([cancel.signal, this.#stop.signal]);
    try {
      const file = await this.#open(tree.cid);
      const bytes = await file?.read(leaf * LEAF_BYTES, leafLength(tree.sizeBytes, leaf), { into, signal, onBytes: (length) => sink.heard(this, length) });
      this.#underWay.delete(keyOf(tree.cid, leaf));
      if (bytes === undefined) sink.refused(this, { cid: tree.cid, leaf, refusal: 'not held' });
      else sink.leaf(this, { cid: tree.cid, leaf, bytes, release: () => pool.give(into) });
    } catch (error) {
      // The buffer is not used again: a request that was called off may still write into it.
      this.#underWay.delete(keyOf(tree.cid, leaf));
      if (!signal.aborted) this.#fail(toCoded(error));
    }
  }

  #open(cid: ShardCid): Promise<ByteSource> | undefined {
    const url = this.#init.urlOf(cid);
    const known = this.#files.get(cid);
    if (url === undefined || known !== undefined) return known;
    const opening = httpSource(url, { signal: this.#stop.signal });
    // One that failed is tried again when it is asked for again.
    opening.catch(() => this.#files.delete(cid));
    this.#files.set(cid, opening);
    return opening;
  }

  #fail(error: CodedError): CodedError {
    if (!this.#stop.signal.aborted) {
      this.close(error);
      this.#init.sink.ended(this, error);
    }
    return error;
  }
}

const keyOf = (cid: string, leaf: number): string => `${cid}/${leaf}`;
