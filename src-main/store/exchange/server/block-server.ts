import { isCoded, RateLimiter, toCoded, type Clock } from '../../../base/index.ts';
import { exchangeErrors } from '../errors.ts';
import { QUESTIONS_PER_SECOND } from '../options.ts';
import type { BlockStream, ShardShelf } from '../ports.ts';
import { Throttle } from '../throttle.ts';
import { ownHello } from '../wire/codec.ts';
import { ServedPeer } from './served-peer.ts';

export interface BlockServerOptions {
  readonly shelf: ShardShelf;
  readonly clock: Clock;
  readonly agent: string;
  /** Multiaddrs of the process that has the shards, when this one only points there. */
  readonly transfer?: (() => readonly string[]) | undefined;
  /** Over all peers; no cap when left out. */
  readonly uploadBytesPerSecond?: number | undefined;
  /** For each peer. */
  readonly uploadBytesPerSecondPerPeer?: number | undefined;
  /** One leaf of a shard turned out to be damaged, or another local trouble. */
  readonly onTrouble?: (error: Error) => void;
}

/** The side that gives: answers what peers ask on their streams. */
export class BlockServer {
  readonly #options: BlockServerOptions;
  readonly #rate: RateLimiter;
  readonly #all: Throttle;
  readonly #perPeer = new Map<string, Throttle>();
  readonly #served = new Set<ServedPeer>();
  #sentBytes = 0;

  constructor(options: BlockServerOptions) {
    this.#options = options;
    this.#rate = new RateLimiter({ perSecond: QUESTIONS_PER_SECOND, burst: 2 * QUESTIONS_PER_SECOND, maxKeys: 1024 }, options.clock);
    this.#all = new Throttle(options.uploadBytesPerSecond, options.clock);
  }

  /** Bytes of leaves given so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The caps on what a peer is sent, for others that send to it as well. */
  caps(peer: string): readonly Throttle[] {
    return [this.#all, this.#throttleOf(peer)];
  }

  /** Serves a stream until it ends. Never throws: what the peer did wrong ends its stream. */
  accept(stream: BlockStream): void {
    const { shelf, agent, transfer } = this.#options;
    const peer = new ServedPeer(stream, {
      shelf, hello: ownHello(agent, transfer?.()), rate: this.#rate, throttles: this.caps(stream.peer),
      onTrouble: (error) => this.#options.onTrouble?.(error), onSent: (bytes) => { this.#sentBytes += bytes; },
    });
    this.#served.add(peer);
    void peer.run().catch((error: unknown) => stream.abort(isCoded(error) ? error : toCoded(error))).finally(() => this.#served.delete(peer));
  }

  /** Ends all streams. */
  stop(): void {
    for (const peer of this.#served) peer.abort(exchangeErrors.cancelled({}));
    this.#perPeer.clear();
  }

  #throttleOf(peer: string): Throttle {
    const cap = this.#options.uploadBytesPerSecondPerPeer;
    // As many as have a stream, and some that left: they may not begin anew by leaving.
    if (this.#perPeer.size > 1024) this.#perPeer.clear();
    const throttle = this.#perPeer.get(peer) ?? new Throttle(cap, this.#options.clock);
    this.#perPeer.set(peer, throttle);
    return throttle;
  }
}
