import type { Connection, Libp2p } from '@libp2p/interface';
import { asPeerId, type PeerId, type Unsubscribe } from '../../base/index.ts';
import { hear } from '../node/hear.ts';
import { kindOf, routeOf } from '../transports/kinds.ts';
import { chooseLink } from './choose.ts';

/** How often the connections to a peer that has several are measured. */
export const LINK_PROBE_MS = 60_000;
/** A peer that opens more is not measured on the others. */
const MAX_MEASURED = 8;

export interface LinksInit {
  readonly libp2p: Pick<Libp2p, 'getConnections' | 'addEventListener' | 'removeEventListener'>;
  /** Least round trip of a few on that connection, ms. */
  readonly probe: (connection: Connection) => Promise<number>;
  /** New streams to the peer take another connection from now on. */
  readonly onBetter: (peer: PeerId) => void;
}

export interface Link {
  readonly connection: Connection;
  readonly why: string;
}

/** Knows, of several connections to one peer, which new streams take, and why. Measures only where there are several. */
export class Links {
  readonly #init: LinksInit;
  /** By connection id. */
  readonly #costsMs = new Map<string, number>();
  readonly #taken = new Map<PeerId, string>();
  readonly #measuring = new Set<PeerId>();
  readonly #offs: Unsubscribe[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(init: LinksInit) {
    this.#init = init;
  }

  start(): void {
    const { libp2p } = this.#init;
    this.#offs.push(hear(libp2p, 'connection:open', this.#onOpen), hear(libp2p, 'connection:close', this.#onClose));
    this.#timer = setInterval(() => this.#probeAll(), LINK_PROBE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const off of this.#offs.splice(0)) off();
  }

  /** Undefined for a peer that is not connected. */
  best(peer: PeerId): Link | undefined {
    return this.#choose(this.#open().filter((connection) => connection.remotePeer.toString() === peer), this.#taken.get(peer));
  }

  /** Of every connected peer. */
  all(): ReadonlyMap<PeerId, Link> {
    const byPeer = Map.groupBy(this.#open(), ({ remotePeer }) => asPeerId(remotePeer.toString()));
    return new Map([...byPeer].flatMap(([peer, connections]) => {
      const link = this.#choose(connections, this.#taken.get(peer));
      return link === undefined ? [] : [[peer, link]];
    }));
  }

  #choose(connections: readonly Connection[], taken: string | undefined): Link | undefined {
    const views = connections.map((connection) => ({ name: kindOf(connection.remoteAddr) ?? 'unknown', route: routeOf(connection), costMs: this.#costsMs.get(connection.id) }));
    const choice = chooseLink(views, connections.findIndex(({ id }) => id === taken));
    const connection = choice === undefined ? undefined : connections[choice.index];
    return choice === undefined || connection === undefined ? undefined : { connection, why: choice.why };
  }

  #open(): Connection[] {
    return this.#init.libp2p.getConnections().filter(({ status }) => status === 'open').sort((a, b) => a.timeline.open - b.timeline.open);
  }

  #decide(peer: PeerId): void {
    const before = this.#taken.get(peer);
    const after = this.best(peer)?.connection.id;
    if (after === before) return;
    if (after === undefined) this.#taken.delete(peer);
    else this.#taken.set(peer, after);
    if (after !== undefined && before !== undefined) this.#init.onBetter(peer);
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    const peer = asPeerId(detail.remotePeer.toString());
    this.#decide(peer);
    void this.#measure(peer);
  };

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    this.#costsMs.delete(detail.id);
    this.#decide(asPeerId(detail.remotePeer.toString()));
  };

  #probeAll(): void {
    for (const peer of new Set(this.#taken.keys())) void this.#measure(peer);
  }

  /** One after the other, so that none is measured while another takes its share of the way. */
  async #measure(peer: PeerId): Promise<void> {
    if (this.#measuring.has(peer)) return;
    this.#measuring.add(peer);
    try {
      for (let measured = 0; ;) {
        const connections = this.#open().filter(({ remotePeer }) => remotePeer.toString() === peer);
        if (connections.length < 2 || measured >= connections.length || measured >= MAX_MEASURED) break;
        const connection = connections[measured++];
        if (connection !== undefined) await this.#measureOne(connection);
      }
    } finally {
      this.#measuring.delete(peer);
    }
    this.#decide(peer);
  }

  async #measureOne(connection: Connection): Promise<void> {
    // A connection that does not answer is as good as none; its end will be told.
    const costMs = await this.#init.probe(connection).catch(() => undefined);
    if (costMs !== undefined && connection.status === 'open') this.#costsMs.set(connection.id, costMs);
  }
}
