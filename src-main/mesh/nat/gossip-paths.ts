import type { Connection } from '@libp2p/interface';
import type { NatInit } from './nat.ts';

const GOSSIP_PROTOCOLS = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0'];

/**
 * Gossip keeps one stream to a peer, on the connection that was there first, and does not miss it when that connection goes and another stays:
 * it learns here of the one that stayed.
 */
export class GossipPaths {
  readonly #init: NatInit;

  constructor(init: NatInit) {
    this.#init = init;
  }

  start(signal: AbortSignal): void {
    const { libp2p } = this.#init;
    libp2p.addEventListener('connection:close', this.#onClose);
    signal.addEventListener('abort', () => libp2p.removeEventListener('connection:close', this.#onClose), { once: true });
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    const { libp2p, parts: { registrar } } = this.#init;
    const left = libp2p.getConnections(detail.remotePeer).find(({ status }) => status === 'open');
    if (left === undefined) return;
    const topologies = GOSSIP_PROTOCOLS.map((protocol) => registrar.getTopologies(protocol)).find((found) => found.length > 0);
    for (const topology of topologies ?? []) void topology.onConnect?.(detail.remotePeer, left);
  };
}
