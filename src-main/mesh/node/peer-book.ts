import type { Connection } from '@libp2p/interface';
import { asPeerId, type PeerId } from '../../base/index.ts';
import type { Introduction } from '../protocols/identify/schema.ts';
import type { PeerSummary } from '../types.ts';

/** What is known of connected peers beyond their connections. Forgotten when they leave. */
export class PeerBook {
  readonly #introductions = new Map<PeerId, Introduction>();
  readonly #rttsMs = new Map<PeerId, number>();

  introduce(peer: PeerId, introduction: Introduction): void {
    this.#introductions.set(peer, introduction);
  }

  /** What the peer speaks, as far as it has said so. */
  protocols(peer: PeerId): readonly string[] | undefined {
    return this.#introductions.get(peer)?.protocols;
  }

  measured(peer: PeerId, rttMs: number): void {
    this.#rttsMs.set(peer, rttMs);
  }

  forget(peer: PeerId): void {
    this.#introductions.delete(peer);
    this.#rttsMs.delete(peer);
  }

  /** One summary a peer, of its oldest connection. */
  summaries(connections: readonly Connection[]): readonly PeerSummary[] {
    const byPeer = new Map<PeerId, PeerSummary>();
    for (const connection of connections) {
      const peer = asPeerId(connection.remotePeer.toString());
      if (!byPeer.has(peer)) byPeer.set(peer, this.#summary(peer, connection));
    }
    return [...byPeer.values()];
  }

  #summary(peer: PeerId, connection: Connection): PeerSummary {
    const introduction = this.#introductions.get(peer);
    return {
      peer, address: connection.remoteAddr.toString(), direction: connection.direction, transport: transportOf(connection),
      rttMs: this.#rttsMs.get(peer), agent: introduction?.agent, protocols: introduction?.protocols ?? [],
    };
  }
}

/** E.g. `tcp + tls + yamux`. */
function transportOf({ remoteAddr, encryption, multiplexer }: Connection): string {
  const names = remoteAddr.getComponents().map(({ name }) => name);
  const carrier = names.find((name) => name === 'tcp' || name === 'udp') ?? 'unknown';
  return [carrier, shortName(encryption), shortName(multiplexer)].filter((part) => part !== undefined).join(' + ');
}

/** `/yamux/1.0.0` -> `yamux`. */
const shortName = (protocol: string | undefined): string | undefined => protocol?.split('/').find((part) => part !== '');
