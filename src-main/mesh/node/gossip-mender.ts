import type { Connection } from '@libp2p/interface';
import { backoffMs } from '../../base/index.ts';
import type { MeshLibp2p } from './create-libp2p.ts';

const LOOK_MS = 1_000;
/** When a connection without gossip is looked after again; ever less often, for there are peers that speak none. */
const AGAIN = { firstMs: 5_000, maxMs: 60_000, jitter: 0.3 };

interface Patience {
  readonly attempts: number;
  readonly dueMs: number;
}

/**
 * Gossip begins on a connection when libp2p has asked the peer what it speaks, and opened a stream to it: each once, with a few seconds' time. Where
 * either fails, because one of the two was busy or packets were lost, both stay connected and deaf to each other for good. Here the peer is asked
 * again as long as our stream to it is missing; its answer makes gossip open one.
 */
export class GossipMender {
  readonly #libp2p: MeshLibp2p;
  readonly #patience = new WeakMap<Connection, Patience>();
  #looking: NodeJS.Timeout | undefined;
  /** Counted in looks: nobody's clock matters. */
  #elapsedMs = 0;

  constructor(libp2p: MeshLibp2p) {
    this.#libp2p = libp2p;
  }

  start(): void {
    this.#looking = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#looking);
  }

  #look(): void {
    this.#elapsedMs += LOOK_MS;
    const connections = this.#libp2p.getConnections().filter(({ status }) => status === 'open');
    const gossiping = new Set(connections.filter((connection) => this.#gossipsOn(connection)).map(({ remotePeer }) => remotePeer.toString()));
    for (const connection of connections) {
      if (gossiping.has(connection.remotePeer.toString())) this.#patience.delete(connection);
      else if (this.#isDue(connection)) this.#libp2p.services.identify.identify(connection).catch(() => undefined);
    }
  }

  #gossipsOn({ streams }: Connection): boolean {
    const { protocols } = this.#libp2p.services.pubsub;
    return streams.some(({ direction, status, protocol }) => direction === 'outbound' && status === 'open' && protocols.includes(protocol));
  }

  /** Not at once: gossip may just be beginning. */
  #isDue(connection: Connection): boolean {
    const known = this.#patience.get(connection);
    const isDue = known !== undefined && known.dueMs <= this.#elapsedMs;
    if (known === undefined || isDue) {
      const attempts = known === undefined ? 0 : Math.min(known.attempts + 1, 32);
      this.#patience.set(connection, { attempts, dueMs: this.#elapsedMs + backoffMs(attempts, AGAIN) });
    }
    return isDue;
  }
}
