import { gossipsub, type GossipSub } from '@libp2p/gossipsub';
import { identify, type Identify } from '@libp2p/identify';
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2';
import type { Ed25519PrivateKey, Libp2p, Startable } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import { systemClock, type Clock, type PeerId } from '../../base/index.ts';
import type { DirectLinks } from '../direct/direct-links.ts';
import { composeNat, type NatServices } from '../nat/compose.ts';
import { relayOf } from '../nat/address.ts';
import * as limits from '../options.ts';
import { namedRelays } from '../transports/chosen-relays.ts';
import { kindsFor } from '../transports/kinds.ts';
import { Transports } from '../transports/transports.ts';
import { relayServer } from '../transports/relay-server.ts';
import { TOPICS } from '../types.ts';
import type { TrustZone } from '../zone/trust-zone.ts';
import { zoneName } from '../zone/zone-key.ts';
import { dhtServices } from './dht.ts';
import { gossipDrops } from './gossip-drops.ts';
import { scoreParams, THRESHOLDS } from './gossip-scores.ts';
import { meshTls } from './native-tls.ts';
import { PeerMemory } from './peer-memory.ts';
import { RecordStore } from './record-store.ts';

export type MeshServices = NatServices & {
  readonly identify: Identify;
  readonly pubsub: GossipSub;
  readonly transports: Startable;
  readonly ipfsIdentify?: Identify;
  readonly dht?: KadDHT;
  readonly relayServer?: CircuitRelayService;
};
export type MeshLibp2p = Libp2p<MeshServices>;

const MAX_IDENTIFY_BYTES = 8 * 1024;
const NO_BYTES = new Uint8Array();
const SOCKET = { noDelay: true, keepAlive: true };

export interface MeshLibp2pComponents {
  readonly clock?: Clock;
  /** Told what was refused, by its code. */
  readonly refused?: (code: string) => void;
  /** Streams with a connection of their own, on the same port. */
  readonly direct?: DirectLinks;
  /** Who may connect. Left out: anybody. */
  readonly zone?: TrustZone;
  /** What a peer did wrong lately, for its score. */
  readonly faultsOf?: (peer: PeerId) => number;
  /** Loads what an address that is dialled takes. */
  readonly transports?: Transports;
}

/**
 * The libp2p node under the mesh, not started. Encryption is always on: TLS first, because it is the faster here, Noise accepted. Throws
 * MESH_TRANSPORT_UNAVAILABLE.
 */
export async function createMeshLibp2p(privateKey: Ed25519PrivateKey, options: limits.MeshOptions, components: MeshLibp2pComponents = {}): Promise<MeshLibp2p> {
  const { clock = systemClock, refused = () => undefined, direct, zone } = components;
  const { transports = new Transports({ iceServers: options.iceServers ?? [], relays: namedRelays(options), refused }) } = components;
  const dht = options.dht === true ? await dhtServices({ isServer: options.listen.length > 0, clock }) : {};
  const nat = await composeNat(options.nat);
  const others = await transports.first([...options.listen.flatMap(kindsFor), ...(options.transports ?? []), ...nat.transports]);
  const relay = options.relayServer === undefined ? {} : { relayServer: await relayServer(options.relayServer) };
  const bare = tcp({ dialOpts: SOCKET, listenOpts: SOCKET });
  const transport = zone?.behind(bare) ?? bare;
  return createLibp2p<MeshServices>({
    privateKey,
    start: false,
    datastore: memory(privateKey, options, { ...components, clock }),
    nodeInfo: { name: 'omninode', userAgent: options.agent },
    // A place at a relay is taken once the node runs: it may be down.
    addresses: { listen: [...options.listen.filter((address) => relayOf(address) === undefined), ...nat.listen] },
    transports: [direct?.behind(transport) ?? transport, ...others],
    connectionEncrypters: [meshTls(privateKey, { isNative: options.nativeTls === true }), noise()],
    streamMuxers: [yamux(muxer())],
    peerDiscovery: options.mdns ? [mdns({ serviceTag: serviceTag(options) })] : [],
    connectionManager: connectionLimits(options),
    ...guards(zone),
    // A peer busy for seconds is slow, not gone: the default drops it after two.
    connectionMonitor: { pingInterval: limits.LIVENESS_INTERVAL_MS, pingTimeout: { minTimeout: limits.LIVENESS_TIMEOUT_MS } },
    services: {
      identify: identify({ protocolPrefix: 'omni', maxMessageSize: MAX_IDENTIFY_BYTES }), pubsub: gossipsub(gossipOptions(components)),
      ...dht,
      ...relay,
      transports: transports.service,
      ...nat.services,
      ...(options.ipfsIdentify === true ? { ipfsIdentify: identify({ maxMessageSize: MAX_IDENTIFY_BYTES }) } : {}),
    },
  });
}

function memory(privateKey: Ed25519PrivateKey, { dht }: limits.MeshOptions, { clock, refused }: MeshLibp2pComponents & { readonly clock: Clock }): PeerMemory {
  const self = peerIdFromPrivateKey(privateKey);
  const peers = { own: self.toCID().toString(), maxPeers: limits.MAX_REMEMBERED_PEERS };
  return dht !== true ? new PeerMemory(peers) : new RecordStore({
    ...peers, prefix: `${limits.DHT_PREFIX}/provider`, ttlMs: limits.DHT_RECORD_TTL_MS, maxRecords: limits.DHT_MAX_RECORDS, maxRecordsPerPeer: limits.DHT_MAX_RECORDS_PER_PEER,
    self: self.toString(), peerName: (peer) => peerIdFromString(peer).toCID().toString(), clock, onFull: () => refused?.('MESH_RECORDS_FULL'),
  });
}

const muxer = () => ({
  maxInboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
  maxOutboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
  streamOptions: { initialStreamWindowSize: limits.YAMUX_INITIAL_WINDOW_BYTES, maxStreamWindowSize: limits.YAMUX_MAX_WINDOW_BYTES },
});

function guards(zone: TrustZone | undefined): Pick<Libp2pOptions, 'connectionGater' | 'connectionProtector'> {
  if (zone === undefined) return {};
  return { connectionGater: zone.gater, ...(zone.isPrivate ? { connectionProtector: () => zone.protector } : {}) };
}

/** Members of a zone look for each other under its name, so that others of the network do not even try. */
function serviceTag({ zone }: limits.MeshOptions): string {
  return zone?.kind === 'private' && zone.key !== undefined ? `_omni-${zoneName(zone.key)}._udp.local` : '_omninode._udp.local';
}

const connectionLimits = ({ sessionsPerSecond = 0 }: limits.MeshOptions) => ({
  maxConnections: limits.MAX_CONNECTIONS,
  maxParallelDials: limits.MAX_PARALLEL_DIALS,
  // What strangers may is the zone's to say; this holds where there is none.
  inboundConnectionThreshold: Math.max(limits.INBOUND_CONNECTIONS_PER_SECOND, sessionsPerSecond),
  maxIncomingPendingConnections: limits.MAX_PENDING_INBOUND,
  inboundUpgradeTimeout: limits.HANDSHAKE_TIMEOUT_MS,
  dialTimeout: limits.DIAL_TIMEOUT_MS,
  addressDialTimeout: limits.DIAL_TIMEOUT_MS,
});

/** What every node's gossip is made with. */
export const gossipOptions = ({ refused = () => undefined, faultsOf = () => 0 }: Pick<MeshLibp2pComponents, 'refused' | 'faultsOf'> = {}) => ({
  globalSignaturePolicy: 'StrictSign' as const,
  allowedTopics: [...TOPICS],
  allowPublishToZeroTopicPeers: true,
  fallbackToFloodsub: false,
  // Else nobody who is behind a relay would take part.
  runOnLimitedConnection: true,
  maxInboundDataLength: limits.GOSSIP_RPC_MAX_BYTES,
  maxOutboundBufferSize: 4 * limits.GOSSIP_RPC_MAX_BYTES,
  scoreParams: scoreParams(faultsOf),
  scoreThresholds: THRESHOLDS,
  ...gossipDrops(refused),
  // Gossipsub checks the signature of a message before it looks whether it came already, and each comes from several peers. What bears a signature
  // that was right once is that message again, or something else that is dropped unread; one that was wrong is not remembered.
  fastMsgIdFn: ({ signature = NO_BYTES }: { readonly signature?: Uint8Array }) => Buffer.from(signature).toString('latin1'),
});
