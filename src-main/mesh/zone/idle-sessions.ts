import type { Connection } from '@libp2p/interface';
import { asPeerId, type Clock, type PeerId } from '../../base/index.ts';
import { IDLE_SESSION_MS } from './constants.ts';

/** Streams that every session has, used or not: gossip, libp2p's ping and identify, the DHT. */
const UPKEEP = /^\/(meshsub|floodsub|ipfs\/(ping|id)|omni\/(id|kad|alive)|omni-node\/(ping|identify))\//;

/** When each peer's session was last used for something. */
export class IdleSessions {
  readonly #usedAtMs = new Map<PeerId, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something was exchanged with the peer, or it has just come. */
  used(peer: PeerId): void {
    this.#usedAtMs.set(peer, this.#clock.monotonicMs());
  }

  forget(peer: PeerId): void {
    this.#usedAtMs.delete(peer);
  }

  /** Of these connections those whose peers exchanged nothing for IDLE_SESSION_MS. A stream that is open is use. */
  idle(connections: readonly Connection[]): readonly Connection[] {
    for (const { remotePeer, streams } of connections) {
      const peer = asPeerId(remotePeer.toString());
      const isInUse = streams.some(({ protocol, status }) => status === 'open' && !UPKEEP.test(protocol));
      if (isInUse || !this.#usedAtMs.has(peer)) this.used(peer);
    }
    const sinceMs = this.#clock.monotonicMs() - IDLE_SESSION_MS;
    return connections.filter(({ remotePeer }) => (this.#usedAtMs.get(asPeerId(remotePeer.toString())) ?? 0) <= sinceMs);
  }
}
