import { peerDiscoverySymbol, type PeerInfo, type PeerStore } from '@libp2p/interface';
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht';
import type { Ping } from '@libp2p/ping';
import { RateLimiter, type Clock } from '../../base/index.ts';
import { meshErrors } from '../errors.ts';
import * as limits from '../options.ts';
import { replaced } from './replaced.ts';
import { reachableFrom } from './reach.ts';

export interface DhtServices {
  readonly ping: (components: never) => Ping;
  readonly dht: (components: KadDHTComponents) => KadDHT;
}

export interface DhtInit {
  /** Answers others, keeps records for them; else it only asks. */
  readonly isServer: boolean;
  readonly clock: Clock;
}

/** Loaded when a node wants it: most processes do not, and it takes a while. */
export async function dhtServices({ isServer, clock }: DhtInit): Promise<DhtServices> {
  const [{ kadDHT }, { ping }] = await Promise.all([import('@libp2p/kad-dht'), import('@libp2p/ping')]);
  return {
    // kad-dht looks whether a peer lives with libp2p's own ping.
    ping: ping({ protocolPrefix: 'omni' }),
    dht: (components) => {
      const { addressManager } = components;
      const mapper = (peer: PeerInfo): PeerInfo => ({ ...peer, multiaddrs: reachableFrom(addressManager.getAddresses(), peer.multiaddrs, limits.DHT_MAX_ADDRESSES) });
      const dht = kadDHT({ ...settings, clientMode: !isServer, peerInfoMapper: mapper })(guarded(components));
      // libp2p would take whoever is told of for discovered.
      Object.defineProperty(dht, peerDiscoverySymbol, { value: undefined });
      rememberTold(dht as KadDHT & EventTarget, { peerStore: components.peerStore, mapper, clock });
      return dht;
    },
  };
}

const refuse = (): never => { throw meshErrors.noValues({}); };

const settings = {
  protocol: limits.DHT_PROTOCOL,
  logPrefix: 'omni:dht', metricsPrefix: 'omni_dht', datastorePrefix: limits.DHT_PREFIX,
  // Provider records only: nobody has anything else to put here.
  validators: { pk: refuse }, selectors: {},
  initialQuerySelfInterval: limits.DHT_FIRST_QUERY_MS,
  routingTableUpdateMaxQueueSize: limits.DHT_MAX_QUEUED_PEERS,
  maxInboundStreams: limits.DHT_MAX_STREAMS,
  reprovide: { concurrency: 4, interval: limits.DHT_REPUBLISH_MS / 3, threshold: limits.DHT_RECORD_TTL_MS - limits.DHT_REPUBLISH_MS, validity: limits.DHT_RECORD_TTL_MS },
};

/**
 * What kad-dht may write of peers. A peer's addresses are those it told last, a few of them, and no peer is marked to be
 * dialled again whenever it leaves: who is connected to whom is not the DHT's to decide.
 */
function guarded(components: KadDHTComponents): KadDHTComponents {
  const { peerStore } = components;
  const merge: PeerStore['merge'] = (id, { multiaddrs, tags, ...data }, options) => {
    const kept = tags === undefined ? {} : { tags: Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith('keep-alive'))) };
    if (multiaddrs === undefined) return peerStore.merge(id, { ...data, ...kept }, options);
    return peerStore.patch(id, { ...data, ...kept, multiaddrs: multiaddrs.slice(0, limits.DHT_MAX_ADDRESSES) }, options);
  };
  return replaced(components, 'peerStore', replaced(peerStore, 'merge', merge));
}

type TellsOfPeers = Pick<EventTarget, 'addEventListener'>;

/**
 * Addresses of peers that other peers tell of, so that a query can dial them: libp2p would keep as many as come. They
 * never replace what a peer said of itself.
 */
function rememberTold(dht: TellsOfPeers, { peerStore, mapper, clock }: { readonly peerStore: PeerStore; readonly mapper: (peer: PeerInfo) => PeerInfo; readonly clock: Clock }): void {
  const rate = new RateLimiter(limits.DHT_TOLD_PEERS_RATE, clock);
  dht.addEventListener('peer', (event) => {
    const { id, multiaddrs } = mapper((event as CustomEvent<PeerInfo>).detail);
    if (multiaddrs.length === 0) return;
    void peerStore.get(id).then(({ addresses }) => addresses.length, () => 0)
      .then((known) => (known === 0 && rate.take('told') ? peerStore.merge(id, { multiaddrs }) : undefined)).catch(() => undefined);
  });
}
