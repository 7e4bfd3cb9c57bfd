import { isCoded, toCoded, type RateLimiter, type ShardCid } from '../../../base/index.ts';
import { HASH_BYTES, LEAF_BYTES, leafCount } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import { CHUNK_BYTES, MAX_HOLDINGS_BYTES, MAX_WINDOW_LEAVES } from '../options.ts';
import type { BlockStream, ServedShard, ShardShelf } from '../ports.ts';
import { holds } from '../schedule/holdings.ts';
import type { Throttle } from '../throttle.ts';
import { decodeFrame, encodeFrame, holdingBytes, type BlockFrame, type Holding } from '../wire/codec.ts';
import { FEATURES, type Refusal } from '../wire/constants.ts';

export interface ServedPeerInit {
  readonly shelf: ShardShelf;
  readonly hello: BlockFrame;
  readonly rate: RateLimiter;
  readonly throttles: readonly Throttle[];
  readonly onTrouble: (error: Error) => void;
  readonly onSent: (bytes: number) => void;
}

interface Wanted {
  readonly request: number;
  readonly cid: ShardCid;
  readonly leaf: number;
}

type Question<T extends BlockFrame['type']> = Extract<BlockFrame, { type: T }>;

/** One stream of a peer that asks. Leaves go out one after the other, as the peer takes them; questions are answered in between. */
export class ServedPeer {
  readonly #stream: BlockStream;
  readonly #init: ServedPeerInit;
  /** Leaves asked and not answered, by request and leaf. */
  readonly #wanted = new Map<string, Wanted>();
  /** Of the shard whose leaves are being sent. */
  #reader: ServedShard | undefined;
  #buffer: Buffer | undefined;
  #sending = Promise.resolve();
  #isSending = false;
  #features: readonly string[] = [];
  #isGone = false;

  constructor(stream: BlockStream, init: ServedPeerInit) {
    this.#stream = stream;
    this.#init = init;
  }

  /** Rejects with what ended the stream, when that was no clean end. */
  async run(): Promise<void> {
    try {
      await this.#send(this.#init.hello);
      let isGreeted = false;
      for await (const bytes of this.#stream) {
        const frame = decodeFrame(bytes, this.#stream.peer);
        if (isGreeted) await this.#handle(frame);
        else if (frame.type === 'hello') this.#features = frame.hello.features;
        else throw this.#bad('the first frame is no hello');
        isGreeted = true;
      }
    } finally {
      this.#isGone = true;
      this.#wanted.clear();
      await this.#sending;
      await this.#reader?.close();
    }
    await this.#stream.close();
  }

  abort(error: Error): void {
    this.#stream.abort(error);
  }

  async #handle(frame: BlockFrame): Promise<void> {
    switch (frame.type) {
      case 'have': return this.#limited(frame, () => this.#tellHoldings(frame));
      case 'leaves': return this.#limited(frame, () => this.#tellHashes(frame));
      case 'get': return this.#want(frame);
      case 'cancel': return this.#cancel(frame);
      case 'hello': case 'holdings': case 'hashes': case 'data': case 'refused': throw this.#bad(`${frame.type} from the side that asks`);
    }
  }

  async #limited(frame: BlockFrame, answer: () => Promise<void>): Promise<void> {
    if (this.#init.rate.take(this.#stream.peer)) await answer();
    else await this.#refuse(frame.request, 0, 'too busy');
  }

  async #tellHoldings({ request, cids }: Question<'have'>): Promise<void> {
    const holdings: Holding[] = [];
    let bytes = 0;
    for (const cid of cids) {
      const holding = await this.#with(cid, (reader) => holdingOf(reader)) ?? NOTHING;
      bytes += holdingBytes(holding);
      if (holdings.length > 0 && bytes > MAX_HOLDINGS_BYTES) break;
      holdings.push(holding);
    }
    await this.#send({ type: 'holdings', request, holdings });
  }

  async #tellHashes({ request, cid, first, count }: Question<'leaves'>): Promise<void> {
    const found = await this.#with(cid, async (reader) => ({ sizeBytes: reader.sizeBytes, all: await reader.leafHashes() }));
    if (found === undefined || first >= leafCount(found.sizeBytes)) return this.#refuse(request, 0, this.#absence(cid));
    const hashes = found.all.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES);
    await this.#send({ type: 'hashes', request, sizeBytes: found.sizeBytes, first, hashes });
  }

  #want({ request, cid, first, count }: Question<'get'>): void {
    if (this.#wanted.size + count > MAX_WINDOW_LEAVES) throw exchangeErrors.flooded({ peer: this.#stream.peer, what: `${this.#wanted.size + count} blocks at once` });
    for (let leaf = first; leaf < first + count; leaf++) {
      if (this.#wanted.has(keyOf(request, leaf))) throw this.#bad(`request ${request} twice`);
      this.#wanted.set(keyOf(request, leaf), { request, cid, leaf });
    }
    if (!this.#isSending) this.#sending = this.#sendLeaves().catch((error: unknown) => this.#stream.abort(toCoded(error)));
  }

  async #cancel({ request, leaf }: Question<'cancel'>): Promise<void> {
    // What is not there any more was answered already, or is on its way.
    if (this.#wanted.delete(keyOf(request, leaf))) await this.#refuse(request, leaf, 'cancelled');
  }

  async #sendLeaves(): Promise<void> {
    this.#isSending = true;
    try {
      for (let next = this.#take(); next !== undefined; next = this.#take()) {
        const bytes = await this.#read(next);
        if (typeof bytes === 'string') await this.#refuse(next.request, next.leaf, bytes);
        else await this.#sendLeaf(next, bytes);
      }
    } finally {
      this.#isSending = false;
    }
  }

  #take(): Wanted | undefined {
    const [first] = this.#wanted;
    if (first === undefined || this.#isGone) return undefined;
    this.#wanted.delete(first[0]);
    return first[1];
  }

  async #read({ cid, leaf }: Wanted): Promise<Uint8Array | Refusal> {
    // A shard that is being fetched has more by now than when it was opened.
    const reader = this.#opened(cid, leaf) ?? await this.#reopen(cid, leaf);
    if (reader === undefined) return this.#absence(cid);
    try {
      return await reader.read(leaf, this.#buffer ??= Buffer.allocUnsafeSlow(LEAF_BYTES));
    } catch (error) {
      if (isCoded(error, 'BLOCK_NOT_YET')) return this.#absence(cid, true);
      // Withdrawn since it was opened.
      if (isCoded(error, 'BLOCK_NOT_HERE')) return this.#absence(cid);
      this.#init.onTrouble(toCoded(error));
      return 'damaged';
    }
  }

  #absence(cid: ShardCid, isComing = this.#init.shelf.isComing?.(cid) ?? false): Refusal {
    return isComing && this.#features.includes(FEATURES.notYet) ? 'not yet' : 'not held';
  }

  async #sendLeaf({ request, leaf }: Wanted, bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length && !this.#isGone; offset += CHUNK_BYTES) {
      const part = bytes.subarray(offset, offset + CHUNK_BYTES);
      for (const throttle of this.#init.throttles) await throttle.take(part.length);
      await this.#send({ type: 'data', request, leaf, offset, bytes: part });
      this.#init.onSent(part.length);
    }
  }

  /** The reader that leaves are sent from, if it has this one. */
  #opened(cid: ShardCid, leaf: number): ServedShard | undefined {
    const reader = this.#reader;
    return reader?.cid === cid && has(reader, leaf) ? reader : undefined;
  }

  async #reopen(cid: ShardCid, leaf: number): Promise<ServedShard | undefined> {
    await this.#reader?.close();
    this.#reader = undefined;
    const reader = this.#reader = await this.#init.shelf.find(cid);
    return reader !== undefined && has(reader, leaf) ? reader : undefined;
  }

  async #with<T>(cid: ShardCid, use: (reader: ServedShard) => T | Promise<T>): Promise<T | undefined> {
    const reader = await this.#init.shelf.find(cid);
    try {
      return reader === undefined ? undefined : await use(reader);
    } finally {
      await reader?.close();
    }
  }

  #refuse(request: number, leaf: number, refusal: Refusal): Promise<void> {
    return this.#send({ type: 'refused', request, leaf, refusal });
  }

  #send(frame: BlockFrame): Promise<void> {
    return this.#stream.send(...encodeFrame(frame));
  }

  #bad(reason: string): Error {
    return exchangeErrors.badFrame({ peer: this.#stream.peer, reason });
  }
}

const NOTHING: Holding = { held: 'none', sizeBytes: 0 };

function holdingOf(reader: ServedShard): Holding {
  const held = reader.held();
  return held === 'none' ? NOTHING : { held, sizeBytes: reader.sizeBytes };
}

const has = (reader: ServedShard, leaf: number): boolean => leaf < leafCount(reader.sizeBytes) && holds(reader.held(), leaf);

const keyOf = (request: number, leaf: number): string => `${request}/${leaf}`;
