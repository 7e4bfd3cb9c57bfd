import { blake3 } from '@napi-rs/blake-hash';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { isCoded, RateLimiter, toCoded, type CodedError, type PeerId } from '../../base/index.ts';
import { BLAKE3, HASH_BYTES } from '../dag/index.ts';
import { exchangeErrors, type BlockStream, type SourceSink } from '../exchange/index.ts';
import { BitswapSource } from './bitswap-source.ts';
import { BlockIndex } from './block-index.ts';
import { BlockReader } from './block-reader.ts';
import { bitswapErrors } from './errors.ts';
import { decodeMessage, encodeWants, type BitswapMessage, type ReceivedBlock, type Want } from './message.ts';
import { MAX_WANTS, PAST_BLOCKS, WANTS_PER_SECOND } from './options.ts';
import type { BitswapInit } from './ports.ts';
import { RecentKeys } from './recent-keys.ts';
import { ServedPeer } from './served-peer.ts';

/**
 * Blocks to and from IPFS nodes (bitswap 1.2.0, IPFS specification). Each message comes on a stream that its sender
 * opened, and is answered on one of ours: streams of both directions meet here, by peer.
 */
export class Bitswap {
  readonly #init: BitswapInit;
  readonly #index: BlockIndex;
  readonly #rate: RateLimiter;
  readonly #served = new Map<PeerId, ServedPeer>();
  readonly #sources = new Map<PeerId, Set<BitswapSource>>();
  readonly #past = new Map<PeerId, RecentKeys>();
  #isStopped = false;

  constructor(init: BitswapInit) {
    this.#init = init;
    this.#index = new BlockIndex(init.directory, init.clock);
    this.#rate = new RateLimiter({ perSecond: WANTS_PER_SECOND, burst: 2 * MAX_WANTS, maxKeys: 1024 }, init.clock);
  }

  /** Reads a stream that a peer opened until it ends. Never throws: what the peer did wrong ends its stream and what we do with it. */
  accept(stream: BlockStream): void {
    void this.#read(stream).catch((error: unknown) => {
      const coded = toCoded(error);
      stream.abort(coded);
      if (coded.fault === 'peer' && !coded.retryable) this.#end(stream.peer, coded);
    });
  }

  /** A connected peer to fetch from, as long as it is not closed. */
  source(peer: PeerId, sink: SourceSink): BitswapSource {
    const sources = this.#sources.get(peer) ?? new Set();
    this.#sources.set(peer, sources);
    const past = this.#past.get(peer) ?? new RecentKeys(PAST_BLOCKS);
    this.#past.set(peer, past);
    const onClosed = (source: BitswapSource): void => {
      sources.delete(source);
      if (sources.size === 0 && this.#sources.get(peer) === sources) this.#sources.delete(peer);
    };
    const source = new BitswapSource({ peer, sink, past, send: (wants) => this.#sendWants(peer, wants), onClosed });
    sources.add(source);
    return source;
  }

  /** The connection to a peer is gone. */
  lost(peer: PeerId): void {
    this.#end(peer, exchangeErrors.linkLost({ peer, reason: 'it disconnected' }));
    this.#past.delete(peer);
  }

  /** Ends everything. */
  stop(): void {
    this.#isStopped = true;
    for (const peer of new Set([...this.#served.keys(), ...this.#sources.keys()])) this.#end(peer, exchangeErrors.cancelled({}));
  }

  async #read(stream: BlockStream): Promise<void> {
    void stream.close().catch(() => undefined);
    for await (const bytes of stream) this.#receive(stream.peer, decodeMessage(bytes, stream.peer));
  }

  #receive(peer: PeerId, message: BitswapMessage): void {
    if (this.#isStopped) return;
    const { wants, isFull, blocks, presences } = message;
    if (!this.#rate.take(peer, wants.length)) throw bitswapErrors.flooded({ peer, what: `more than ${WANTS_PER_SECOND} blocks a second` });
    if (wants.length > 0 || isFull) this.#servedPeer(peer).take(message);
    const sources = [...this.#sources.get(peer) ?? []];
    // Without a fetch from this peer, blocks are late ones.
    if (sources.length > 0) for (const block of blocks) this.#give(sources, block, peer);
    for (const { cid, isHere } of presences) if (!isHere) for (const source of sources) source.refuse(cid.toString());
  }

  #give(sources: readonly BitswapSource[], block: ReceivedBlock, peer: PeerId): void {
    const key = block.hash === BLAKE3 && block.digestBytes === HASH_BYTES ? CID.createV1(block.codec, Digest.create(BLAKE3, blake3(block.data))).toString() : undefined;
    // Every source is to see it: two fetches may want the same block.
    const isWanted = key !== undefined && sources.map((source) => source.take(key, block.data)).includes(true);
    if (!isWanted) throw exchangeErrors.unasked({ peer, what: `a block ${key ?? `with hash ${block.hash}`}` });
  }

  #servedPeer(peer: PeerId): ServedPeer {
    const onTrouble = (error: Error): void => this.#init.onTrouble?.(error);
    const served = this.#served.get(peer) ?? new ServedPeer({
      peer, reader: new BlockReader(this.#init.shelf, this.#index, onTrouble), open: this.#init.open, caps: this.#init.caps(peer),
      onTrouble: (error) => { if (isCoded(error) && error.fault === 'local' && !error.retryable) onTrouble(error); },
    });
    this.#served.set(peer, served);
    return served;
  }

  async #sendWants(peer: PeerId, wants: readonly Want[]): Promise<void> {
    const stream = await this.#init.open(peer);
    await stream.send(encodeWants(wants));
    void stream.close().catch(() => undefined);
  }

  #end(peer: PeerId, error: CodedError): void {
    this.#served.get(peer)?.stop(error);
    this.#served.delete(peer);
    for (const source of [...this.#sources.get(peer) ?? []]) source.fail(error);
  }
}
