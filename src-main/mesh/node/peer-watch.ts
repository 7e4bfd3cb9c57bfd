import { setTimeout as delay } from 'node:timers/promises';
import type { PeerId as Libp2pPeerId, PeerInfo } from '@libp2p/interface';
import { asPeerId, backoffMs, isCoded, RateLimiter, toCoded, withPeer, type Clock, type Logger, type PeerId, type Unsubscribe } from '../../base/index.ts';
import { MAX_DISCOVERED_CONNECTIONS, type MeshOptions } from '../options.ts';
import { BANDWIDTH_LIMITS, BANDWIDTH_PROTOCOL, BANDWIDTH_RATE, BANDWIDTH_TOTAL_RATE } from '../protocols/bandwidth/constants.ts';
import { serveBandwidth } from '../protocols/bandwidth/server.ts';
import { readIntroduction } from '../protocols/identify/client.ts';
import { IDENTIFY_LIMITS, IDENTIFY_PROTOCOL, IDENTIFY_TIMEOUT_MS, IDENTIFY_VERSION, MAX_PROTOCOLS } from '../protocols/identify/constants.ts';
import { identifyErrors } from '../protocols/identify/errors.ts';
import type { Introduction } from '../protocols/identify/schema.ts';
import { serveIntroduction } from '../protocols/identify/server.ts';
import { LOSS_LIMITS, LOSS_PROTOCOL } from '../protocols/loss/constants.ts';
import { LossServer } from '../protocols/loss/server.ts';
import { PING_LIMITS, PING_PROTOCOL, PING_RATE } from '../protocols/ping/constants.ts';
import { servePing } from '../protocols/ping/server.ts';
import type { Mesh } from '../types.ts';
import type { MeshLibp2p } from './create-libp2p.ts';
import { withDeadline } from './deadline.ts';
import { hear } from './hear.ts';
import type { PeerBook } from './peer-book.ts';

/** When a peer that did not introduce itself is asked again: it may have been busy. */
const ASK_AGAIN = { firstMs: 1_000, maxMs: 30_000 };

export interface PeerWatchInit {
  readonly libp2p: MeshLibp2p;
  readonly options: MeshOptions;
  readonly book: PeerBook;
  /** Told what was refused, by its code. */
  readonly refused: (code: string) => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Turns libp2p's peer events into the mesh's, introduces peers to each other and serves the built-in protocols. */
export class PeerWatch {
  readonly #mesh: Mesh;
  readonly #init: PeerWatchInit;
  readonly #over = new AbortController();
  readonly #offs: Unsubscribe[] = [];
  /** Who is being asked to introduce itself. */
  readonly #meeting = new Set<PeerId>();

  constructor(mesh: Mesh, init: PeerWatchInit) {
    this.#mesh = mesh;
    this.#init = init;
  }

  /** Call before the node listens, so that not even the first peer is missed. */
  async start(): Promise<void> {
    const { libp2p, clock, refused } = this.#init;
    const pings = new RateLimiter(PING_RATE, clock);
    await this.#mesh.handle(PING_PROTOCOL, PING_LIMITS, (stream) => this.#attend('ping', servePing(stream, pings)));
    const echoes = { perPeer: new RateLimiter(BANDWIDTH_RATE, clock), total: new RateLimiter(BANDWIDTH_TOTAL_RATE, clock) };
    await this.#mesh.handle(BANDWIDTH_PROTOCOL, BANDWIDTH_LIMITS, (stream) => this.#attend('bandwidth', serveBandwidth(stream, echoes)));
    const losses = new LossServer({ clock, refused });
    await this.#mesh.handle(LOSS_PROTOCOL, LOSS_LIMITS, (stream) => this.#attend('loss', losses.serve(stream)));
    await this.#mesh.handle(IDENTIFY_PROTOCOL, IDENTIFY_LIMITS, (stream) => this.#attend('identify', serveIntroduction(stream, this.#introduction())));
    this.#offs.push(hear(libp2p, 'peer:connect', this.#onConnect), hear(libp2p, 'peer:disconnect', this.#onDisconnect), hear(libp2p, 'peer:discovery', this.#onDiscovery));
  }

  stop(): void {
    this.#over.abort();
    for (const off of this.#offs.splice(0)) off();
  }

  readonly #onConnect = ({ detail }: CustomEvent<Libp2pPeerId>): void => {
    const peer = asPeerId(detail.toString());
    this.#mesh.events.emit('peer:connect', { peer });
    if (!this.#meeting.has(peer)) this.#attend('identify', this.#meet(peer));
    this.#attend('ping', this.#mesh.ping(peer));
  };

  readonly #onDisconnect = ({ detail }: CustomEvent<Libp2pPeerId>): void => {
    const peer = asPeerId(detail.toString());
    this.#init.book.forget(peer);
    this.#mesh.events.emit('peer:disconnect', { peer });
  };

  readonly #onDiscovery = ({ detail }: CustomEvent<PeerInfo>): void => {
    const peer = asPeerId(detail.id.toString());
    const addresses = detail.multiaddrs.map(String).map((address) => withPeer(address, peer));
    this.#mesh.events.emit('peer:discovered', { peer, addresses });
    if (this.#mayDial()) this.#attend('dial', this.#init.libp2p.dial(detail.id));
  };

  #mayDial(): boolean {
    const { options, libp2p } = this.#init;
    return options.dialDiscovered === true && libp2p.getConnections().length < MAX_DISCOVERED_CONNECTIONS;
  }

  /** Throws MESH_*. */
  ask(peer: PeerId): Promise<Introduction> {
    const deadline = { timeoutMs: IDENTIFY_TIMEOUT_MS, error: () => identifyErrors.timedOut(peer) };
    return withDeadline(deadline, async (signal) => readIntroduction(await this.#mesh.open(peer, IDENTIFY_PROTOCOL, { limits: IDENTIFY_LIMITS, signal }), signal));
  }

  /** Asks until it has answered, is gone, or speaks no such thing. */
  async #meet(peer: PeerId): Promise<void> {
    this.#meeting.add(peer);
    try {
      for (let attempt = 0; ; attempt++) {
        const error = await this.#identify(peer).then(() => undefined, (failure: unknown) => failure);
        if (error === undefined) return;
        if (isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED') || !this.#isConnected(peer)) throw error;
        await delay(backoffMs(attempt, ASK_AGAIN), undefined, { signal: this.#over.signal, ref: false });
      }
    } finally {
      this.#meeting.delete(peer);
    }
  }

  #isConnected(peer: PeerId): boolean {
    return this.#init.libp2p.getConnections().some(({ remotePeer }) => remotePeer.toString() === peer);
  }

  async #identify(peer: PeerId): Promise<void> {
    const introduction = await this.ask(peer);
    this.#init.book.introduce(peer, introduction);
    this.#mesh.events.emit('peer:identify', { peer, agent: introduction.agent });
  }

  #introduction(): Introduction {
    const protocols = this.#init.libp2p.getProtocols().slice(0, MAX_PROTOCOLS);
    return { agent: this.#init.options.agent, version: IDENTIFY_VERSION, protocols };
  }

  // A peer may leave in the middle of anything; that is its right, and worth a line of log.
  #attend(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const { code, message } = toCoded(error, 'MESH_PEER_LEFT');
      this.#init.logger.debug({ code, message, what }, 'mesh protocol ended');
    });
  }
}
