import type { Connection } from '@libp2p/interface';
import type { Clock, PeerId } from '../../base/index.ts';
import { LinkGauge } from '../links/link-figures.ts';
import type { Link } from '../links/links.ts';
import type { Introduction } from '../protocols/identify/schema.ts';
import { kindOf, routeOf } from '../transports/kinds.ts';
import type { PeerSummary } from '../types.ts';

/** What is known of connected peers beyond their connections. Forgotten when they leave. */
export class PeerBook {
  readonly #introductions = new Map<PeerId, Introduction>();
  readonly #gauges = new Map<PeerId, LinkGauge>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  introduce(peer: PeerId, introduction: Introduction): void {
    this.#introductions.set(peer, introduction);
  }

  /** What the peer speaks, as far as it has said so. */
  protocols(peer: PeerId): readonly string[] | undefined {
    return this.#introductions.get(peer)?.protocols;
  }

  /** Where the figures of the link to a connected peer are gathered. */
  gauge(peer: PeerId): LinkGauge {
    const known = this.#gauges.get(peer);
    if (known !== undefined) return known;
    const gauge = new LinkGauge(this.#clock);
    this.#gauges.set(peer, gauge);
    return gauge;
  }

  forget(peer: PeerId): void {
    this.#introductions.delete(peer);
    this.#gauges.delete(peer);
  }

  /** One summary a peer, of the connection that new streams take. */
  summaries(links: ReadonlyMap<PeerId, Link>): readonly PeerSummary[] {
    return [...links].map(([peer, link]) => this.#summary(peer, link));
  }

  #summary(peer: PeerId, { connection, why }: Link): PeerSummary {
    const introduction = this.#introductions.get(peer);
    const figures = this.#gauges.get(peer)?.figures();
    return {
      peer, address: connection.remoteAddr.toString(), direction: connection.direction, transport: transportOf(connection), route: routeOf(connection), why,
      rttMs: figures?.rttMs, ...(figures === undefined ? {} : { figures }), agent: introduction?.agent, protocols: introduction?.protocols ?? [],
    };
  }
}

/** E.g. `tcp + tls + yamux`; `quic`, which encrypts and multiplexes itself. */
function transportOf({ remoteAddr, encryption, multiplexer }: Connection): string {
  const carrier = kindOf(remoteAddr) ?? 'unknown';
  const own = encryption === NATIVE ? [] : [shortName(encryption), shortName(multiplexer)];
  return [carrier, ...own].filter((part) => part !== undefined).join(' + ');
}

/** What libp2p calls the encryption of transports that have their own. */
const NATIVE = 'native';

/** `/yamux/1.0.0` -> `yamux`. */
const shortName = (protocol: string | undefined): string | undefined => protocol?.split('/').find((part) => part !== '');
