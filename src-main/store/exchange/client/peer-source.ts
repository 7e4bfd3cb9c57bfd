import { isCoded, toCoded, type CodedError, type PeerId, type ShardCid } from '../../../base/index.ts';
import { HASH_BYTES, leafCount, leafLength, type ShardTree } from '../../dag/index.ts';
import type { BufferPool } from '../buffer-pool.ts';
import { exchangeErrors } from '../errors.ts';
import { ANSWER_TIMEOUT_MS, HELLO_TIMEOUT_MS, MAX_CIDS, MAX_HASHES, MAX_RUN_LEAVES, MAX_WINDOW_LEAVES, MIN_CHUNK_BYTES } from '../options.ts';
import type { BlockStream } from '../ports.ts';
import { blockDigest } from '../wire/cid.ts';
import { decodeFrame, encodeFrame, ownHello, type BlockFrame, type Hello, type Holding } from '../wire/codec.ts';
import type { LeafRun, Source, SourceSink } from './source.ts';
import { treeFault } from './tree-fault.ts';

export interface PeerSourceInit {
  readonly stream: BlockStream;
  readonly agent: string;
  readonly sink: SourceSink;
  /** Of leaf size. */
  readonly pool: BufferPool;
}

interface Asked {
  readonly request: number;
  readonly tree: ShardTree;
  readonly leaf: number;
}

interface Filling extends Asked {
  readonly buffer: Buffer;
  readonly lengthBytes: number;
  filledBytes: number;
}

type Answer = Extract<BlockFrame, { type: 'holdings' | 'hashes' | 'refused' }>;

/** A peer that shards come from: our end of one stream. */
export class PeerSource implements Source {
  readonly name: string;
  readonly peer: PeerId;
  /** As the peer greeted us. */
  readonly hello: Promise<Hello>;
  windowLeaves = 1;
  readonly #init: PeerSourceInit;
  readonly #greeted = Promise.withResolvers<Hello>();
  readonly #questions = new Map<number, PromiseWithResolvers<Answer>>();
  /** Leaves asked and not answered. */
  readonly #asked = new Map<string, Asked>();
  #filling: Filling | undefined;
  #lastRequest = 0;
  #isGreeted = false;
  #isOver = false;

  constructor(init: PeerSourceInit) {
    this.#init = init;
    this.name = this.peer = init.stream.peer;
    this.hello = this.#greeted.promise;
    this.hello.catch(() => undefined);
    void this.#run();
  }

  /** Greets the peer. Rejects with EXCHANGE_NO_ANSWER, EXCHANGE_LINK_LOST, EXCHANGE_BAD_FRAME. */
  static async open(init: PeerSourceInit): Promise<PeerSource> {
    const source = new PeerSource(init);
    await source.#within(source.hello, 'its hello', HELLO_TIMEOUT_MS);
    return source;
  }

  /** Settles when nothing more comes from it. */
  get closed(): Promise<Error | undefined> {
    return this.#init.stream.closed;
  }

  get askedLeaves(): number {
    return this.#asked.size;
  }

  async holdings(cids: readonly ShardCid[]): Promise<readonly Holding[]> {
    const all: Holding[] = [];
    while (all.length < cids.length) {
      const asked = cids.slice(all.length, all.length + MAX_CIDS);
      const answer = await this.#question((request) => ({ type: 'have', request, cids: asked }), 'what it has');
      if (answer.type !== 'holdings' || answer.holdings.length > asked.length) throw this.#fail(exchangeErrors.unasked({ peer: this.name, what: answer.type }));
      all.push(...answer.holdings);
    }
    return all;
  }

  async tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree> {
    const digest = blockDigest(cid);
    if (digest !== undefined) return { cid, sizeBytes, leafHashes: digest };
    const count = leafCount(sizeBytes);
    const leafHashes = new Uint8Array(count * HASH_BYTES);
    for (let first = 0; first < count; first += MAX_HASHES) {
      const answer = await this.#question((request) => ({ type: 'leaves', request, cid, first, count: Math.min(MAX_HASHES, count - first) }), `the blocks of ${cid}`);
      const isWhole = answer.type === 'hashes' && answer.first === first && answer.sizeBytes === sizeBytes && answer.hashes.length === HASH_BYTES * Math.min(MAX_HASHES, count - first);
      if (!isWhole) throw this.#fail(exchangeErrors.badTree({ peer: this.name, cid }));
      leafHashes.set(answer.hashes, first * HASH_BYTES);
    }
    const tree = { cid, sizeBytes, leafHashes };
    const fault = treeFault(tree, this.name);
    if (fault !== undefined) throw this.#fail(fault);
    return tree;
  }

  ask({ tree, first, count }: LeafRun): void {
    for (let at = first; at < first + count; at += MAX_RUN_LEAVES) {
      const request = this.#nextRequest();
      const run = { first: at, count: Math.min(MAX_RUN_LEAVES, first + count - at) };
      for (let leaf = run.first; leaf < run.first + run.count; leaf++) this.#asked.set(keyOf(request, leaf), { request, tree, leaf });
      this.#post({ type: 'get', request, cid: tree.cid, ...run });
    }
  }

  cancel(cid: ShardCid, leaf: number): void {
    for (const asked of this.#asked.values()) if (asked.tree.cid === cid && asked.leaf === leaf) this.#post({ type: 'cancel', request: asked.request, leaf });
  }

  close(error?: CodedError): void {
    if (this.#isOver) return;
    this.#end(error ?? exchangeErrors.cancelled({}));
    if (error === undefined) void this.#init.stream.close().catch(() => undefined);
    else this.#init.stream.abort(error);
  }

  async #run(): Promise<void> {
    const { stream, agent } = this.#init;
    try {
      await stream.send(...encodeFrame(ownHello(agent)));
      for await (const bytes of stream) {
        if (this.#isOver) return;
        const frame = decodeFrame(bytes, this.name);
        this.#receive(frame);
        // Copied into the leaf; other frames may be kept.
        if (frame.type === 'data') stream.recycle?.(bytes);
      }
      throw exchangeErrors.linkLost({ peer: this.name, reason: 'it ended the stream' });
    } catch (error) {
      const isOurs = isCoded(error) && error.code.startsWith('EXCHANGE_');
      this.#fail(isOurs ? error : exchangeErrors.linkLost({ peer: this.name, reason: toCoded(error).message }, error));
    }
  }

  #receive(frame: BlockFrame): void {
    switch (frame.type) {
      case 'hello': return this.#greet(frame.hello);
      case 'data': return this.#take(frame);
      case 'refused': return this.#refused(frame);
      case 'holdings': case 'hashes': return this.#answer(frame);
      case 'have': case 'leaves': case 'get': case 'cancel': throw exchangeErrors.badFrame({ peer: this.name, reason: `${frame.type} from the side that answers` });
    }
  }

  #greet(hello: Hello): void {
    this.windowLeaves = Math.min(hello.window, MAX_WINDOW_LEAVES);
    this.#isGreeted = true;
    this.#greeted.resolve(hello);
  }

  #answer(frame: Answer): void {
    const question = this.#questions.get(frame.request);
    if (question === undefined) throw exchangeErrors.unasked({ peer: this.name, what: frame.type });
    this.#questions.delete(frame.request);
    question.resolve(frame);
  }

  #refused(frame: Extract<BlockFrame, { type: 'refused' }>): void {
    if (this.#questions.has(frame.request)) return this.#answer(frame);
    const asked = this.#asked.get(keyOf(frame.request, frame.leaf));
    if (asked === undefined) throw exchangeErrors.unasked({ peer: this.name, what: `a refusal of block ${frame.leaf}` });
    this.#asked.delete(keyOf(frame.request, frame.leaf));
    this.#init.sink.refused(this, { cid: asked.tree.cid, leaf: asked.leaf, refusal: frame.refusal });
  }

  // One leaf at a time, its pieces in order: what a source makes us keep is one buffer.
  #take({ request, leaf, offset, bytes }: Extract<BlockFrame, { type: 'data' }>): void {
    const filling = this.#filling ?? this.#begin(request, leaf);
    const fits = filling.request === request && filling.leaf === leaf && filling.filledBytes === offset && isPiece(bytes.length, filling.lengthBytes - offset);
    if (!fits) throw exchangeErrors.unasked({ peer: this.name, what: `bytes ${offset} + ${bytes.length} of block ${leaf}` });
    filling.buffer.set(bytes, offset);
    filling.filledBytes += bytes.length;
    this.#init.sink.heard(this, bytes.length);
    if (filling.filledBytes === filling.lengthBytes) this.#deliver(filling);
  }

  #begin(request: number, leaf: number): Filling {
    const asked = this.#asked.get(keyOf(request, leaf));
    if (asked === undefined) throw exchangeErrors.unasked({ peer: this.name, what: `block ${leaf}` });
    this.#filling = { ...asked, buffer: this.#init.pool.take(), lengthBytes: leafLength(asked.tree.sizeBytes, leaf), filledBytes: 0 };
    return this.#filling;
  }

  #deliver({ request, tree, leaf, buffer, lengthBytes }: Filling): void {
    this.#filling = undefined;
    this.#asked.delete(keyOf(request, leaf));
    this.#init.sink.leaf(this, { cid: tree.cid, leaf, bytes: buffer.subarray(0, lengthBytes), release: () => this.#init.pool.give(buffer) });
  }

  async #question(frame: (request: number) => BlockFrame, what: string): Promise<Answer> {
    const request = this.#nextRequest();
    const question = Promise.withResolvers<Answer>();
    this.#questions.set(request, question);
    this.#post(frame(request));
    const answer = await this.#within(question.promise, what, ANSWER_TIMEOUT_MS);
    if (answer.type === 'refused') throw exchangeErrors.refused({ peer: this.name, what, reason: answer.refusal });
    return answer;
  }

  async #within<T>(answer: Promise<T>, what: string, timeoutMs: number): Promise<T> {
    const timer = setTimeout(() => this.#fail(exchangeErrors.noAnswer({ peer: this.name, what, waitedMs: timeoutMs })), timeoutMs);
    return answer.finally(() => clearTimeout(timer));
  }

  #post(frame: BlockFrame): void {
    this.#init.stream.send(...encodeFrame(frame)).catch((error: unknown) => this.#fail(exchangeErrors.linkLost({ peer: this.name, reason: toCoded(error).message }, error)));
  }

  #nextRequest(): number {
    this.#lastRequest = (this.#lastRequest + 1) >>> 0;
    return this.#lastRequest;
  }

  #fail(error: CodedError): CodedError {
    if (!this.#isOver) {
      this.#end(error);
      this.#init.stream.abort(error);
      // One that never greeted is no source yet; whoever opens it hears of it.
      if (this.#isGreeted) this.#init.sink.ended(this, error);
    }
    return error;
  }

  #end(error: CodedError): void {
    this.#isOver = true;
    this.#greeted.reject(error);
    for (const question of this.#questions.values()) {
      question.promise.catch(() => undefined);
      question.reject(error);
    }
    this.#questions.clear();
    this.#asked.clear();
    if (this.#filling !== undefined) this.#init.pool.give(this.#filling.buffer);
    this.#filling = undefined;
  }
}

const isPiece = (bytes: number, leftBytes: number): boolean => bytes === leftBytes || (bytes < leftBytes && bytes >= MIN_CHUNK_BYTES);

const keyOf = (request: number, leaf: number): string => `${request}/${leaf}`;
