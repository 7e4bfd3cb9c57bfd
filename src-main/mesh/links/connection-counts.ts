import type { Connection, Libp2p } from '@libp2p/interface';
import type { Unsubscribe } from '../../base/index.ts';
import { hear } from '../node/hear.ts';
import { kindOf, routeOf } from '../transports/kinds.ts';
import type { Route } from '../types.ts';

export interface ConnectionCount {
  readonly transport: string;
  readonly route: Route;
  readonly count: number;
}

export interface ConnectionCountsInit {
  readonly libp2p: Pick<Libp2p, 'getConnections' | 'addEventListener' | 'removeEventListener'>;
  readonly metrics: {
    /** Also of kinds that there are none of any more. */
    connections(count: ConnectionCount): void;
    peers(count: number): void;
    handshake(direction: 'outbound', result: 'made'): void;
  };
}

/** Counts connections as they come and go. */
export class ConnectionCounts {
  readonly #init: ConnectionCountsInit;
  /** Kinds that were told of. */
  readonly #kinds = new Map<string, Omit<ConnectionCount, 'count'>>();
  readonly #offs: Unsubscribe[] = [];

  constructor(init: ConnectionCountsInit) {
    this.#init = init;
  }

  start(): void {
    const { libp2p } = this.#init;
    this.#offs.push(hear(libp2p, 'connection:open', this.#onOpen), hear(libp2p, 'connection:close', this.#count));
  }

  stop(): void {
    for (const off of this.#offs.splice(0)) off();
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    // What others began is counted where it came in.
    if (detail.direction === 'outbound') this.#init.metrics.handshake('outbound', 'made');
    this.#count();
  };

  readonly #count = (): void => {
    const { libp2p, metrics } = this.#init;
    const open = libp2p.getConnections().filter(({ status }) => status === 'open');
    const counts = new Map<string, number>();
    for (const connection of open) {
      const kind = { transport: kindOf(connection.remoteAddr) ?? 'unknown', route: routeOf(connection) };
      const key = `${kind.transport} ${kind.route}`;
      this.#kinds.set(key, kind);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, kind] of this.#kinds) metrics.connections({ ...kind, count: counts.get(key) ?? 0 });
    metrics.peers(new Set(open.map(({ remotePeer }) => remotePeer.toString())).size);
  };
}
