import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, IdentifyResult } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { backoffMs, toCoded } from '../../base/index.ts';
import { hear } from '../node/hear.ts';
import { routeOf } from '../transports/kinds.ts';
import type { Reachability } from '../types.ts';
import { isPublic, withoutPeer } from './address.ts';
import type { NatInit } from './nat.ts';
import { DCUTR_WAIT_MS, UPGRADE_RETRY, UPGRADE_TIMEOUT_MS } from './options.ts';
import { retire } from './retire.ts';

const SIGNALING_PROTOCOL = '/webrtc-signaling/0.0.1';
const isOpen = ({ status }: Connection): boolean => status === 'open';

/**
 * Gets a direct connection to a peer that was reached through a relay, and lets go of the relayed one then. Who opened the relayed connection
 * does it, in this order: dial the peer where it can be dialled; let it dial us (DCUtR, which is libp2p's) where we can be; WebRTC, which gets
 * through two routers and is negotiated over the relay.
 */
export class DirectUpgrade {
  readonly #init: NatInit;
  readonly #reach: () => Reachability;
  /** Ids of connections that somebody is at work to replace. */
  readonly #upgrading = new Set<string>();
  #signal = AbortSignal.abort();

  constructor(init: NatInit, reach: () => Reachability) {
    this.#init = init;
    this.#reach = reach;
  }

  start(signal: AbortSignal): void {
    const { libp2p } = this.#init;
    this.#signal = signal;
    const offs = [hear(libp2p, 'peer:identify', this.#onIdentify), hear(libp2p, 'connection:open', this.#onOpen)];
    signal.addEventListener('abort', () => offs.forEach((off) => off()), { once: true });
  }

  readonly #onIdentify = ({ detail: { connection, protocols } }: CustomEvent<IdentifyResult>): void => {
    if (routeOf(connection) !== 'relayed') return;
    if (this.#hasDirect(connection)) return void retire(connection, this.#signal);
    if (connection.direction !== 'outbound' || this.#upgrading.has(connection.id)) return;
    this.#upgrading.add(connection.id);
    void this.#upgrade(connection, protocols).catch(() => undefined).finally(() => this.#upgrading.delete(connection.id));
  };

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (routeOf(detail) !== 'direct') return;
    for (const connection of this.#init.libp2p.getConnections(detail.remotePeer)) {
      if (routeOf(connection) === 'relayed') void retire(connection, this.#signal);
    }
  };

  /** Until there is a direct connection or the relayed one is gone. Rejects with the signal's reason. */
  async #upgrade(relayed: Connection, protocols: readonly string[]): Promise<void> {
    const { logger } = this.#init;
    for (let attempt = 0; isOpen(relayed) && !this.#hasDirect(relayed); attempt++) {
      for (const way of [this.#dialPeer, this.#awaitPeer, this.#dialWebRtc]) {
        const within = AbortSignal.any([this.#signal, AbortSignal.timeout(UPGRADE_TIMEOUT_MS)]);
        try {
          await way(relayed, { protocols, within });
        } catch (error) {
          this.#signal.throwIfAborted();
          const { code, message } = toCoded(error, 'MESH_DIAL_FAILED');
          logger.debug({ code, message, peer: relayed.remotePeer.toString() }, 'still relayed');
        }
        if (this.#hasDirect(relayed)) return;
      }
      await delay(backoffMs(attempt, UPGRADE_RETRY), undefined, { signal: this.#signal, ref: false });
    }
  }

  readonly #dialPeer = async ({ remotePeer }: Connection, { within }: Way): Promise<void> => {
    const { libp2p, parts: { connectionManager } } = this.#init;
    const { addresses } = await libp2p.peerStore.get(remotePeer);
    const known = addresses.map(({ multiaddr: address }) => address).filter(isPublic).map((address) => withPeerId(address, remotePeer.toString()));
    if (known.length === 0) return;
    const dial = (): Promise<Connection> => connectionManager.openConnection(known, { force: true, signal: within });
    // It may be the dial of the relayed connection, not quite over, that this one joined.
    if (routeOf(await dial()) === 'relayed') await dial();
  };

  readonly #awaitPeer = async (relayed: Connection, { within }: Way): Promise<void> => {
    if (this.#reach().kind !== 'public') return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onOpen = ({ detail }: CustomEvent<Connection>): void => { if (detail.remotePeer.equals(relayed.remotePeer) && routeOf(detail) === 'direct') resolve(); };
    this.#init.libp2p.addEventListener('connection:open', onOpen);
    await Promise.race([promise, delay(DCUTR_WAIT_MS, undefined, { signal: within, ref: false })])
      .finally(() => this.#init.libp2p.removeEventListener('connection:open', onOpen));
  };

  readonly #dialWebRtc = async ({ remoteAddr }: Connection, { protocols, within }: Way): Promise<void> => {
    if (!protocols.includes(SIGNALING_PROTOCOL)) return;
    const address = multiaddr(remoteAddr.toString().replace('/p2p-circuit/p2p/', '/p2p-circuit/webrtc/p2p/'));
    await this.#init.transports.ready(address.toString());
    // Not through the queue of dials, where it could join that of the relayed connection.
    await this.#init.parts.transportManager.dial(address, { signal: within });
  };

  #hasDirect({ remotePeer }: Connection): boolean {
    return this.#init.libp2p.getConnections(remotePeer).some((connection) => isOpen(connection) && routeOf(connection) === 'direct');
  }
}

interface Way {
  /** What the peer speaks. */
  readonly protocols: readonly string[];
  readonly within: AbortSignal;
}

const withPeerId = (address: Multiaddr, peer: string): Multiaddr => multiaddr(`${withoutPeer(address).toString()}/p2p/${peer}`);
