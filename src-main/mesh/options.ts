import type { Clock, Logger, Metrics, PeerId } from '../base/index.ts';
import type { NatOptions } from './nat/options.ts';
import type { TransportKind } from './transports/kinds.ts';
import type { ProtocolLimits, Topic } from './types.ts';
import type { ZoneOptions } from './zone/options.ts';

export type IdentityOption = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'ephemeral' };

/** STUN servers of the mesh's own, `stun:<host>:<port>`, for WebRTC; a function where they become known later. */
export type IceServers = readonly string[] | (() => readonly string[]);

export interface RelayServerOptions {
  /** Whose relayed connections have no limit of bytes and time. Default nobody's. */
  readonly isMember?: (peer: PeerId) => boolean;
}

export interface MeshOptions extends ZoneOptions {
  /**
   * Multiaddrs; port 0 takes a free one, an empty list makes a node that only dials: `/ip4/<host>/tcp/<port>`, the same with `/ws`,
   * `/ip4/<host>/udp/<port>/quic-v1` or `/webrtc-direct`, `<address of a relay>/p2p-circuit` (a place at that relay), and `/webrtc` beside one of these.
   */
  readonly listen: readonly string[];
  /** Transports to dial with that are there from the start, beside those of `listen`; others are loaded when an address given to `dial` asks for them. */
  readonly transports?: readonly TransportKind[];
  /** Default none: nobody is asked. */
  readonly iceServers?: IceServers;
  /** Carries connections of others who cannot reach each other. Default no. */
  readonly relayServer?: RelayServerOptions;
  /** How it gets by routers: relays, STUN, port mapping, and finding out whether it is reached. Default: nothing of that. */
  readonly nat?: NatOptions;
  readonly identity: IdentityOption;
  /** Finds peers of the local network by multicast DNS. */
  readonly mdns: boolean;
  /** Dials what mDNS finds, as long as there are few connections. Default false. */
  readonly dialDiscovered?: boolean;
  /** TLS on the sockets themselves: the same protocol, faster for bulk. Default false. */
  readonly nativeTls?: boolean;
  /** Introduces itself also as nodes of other libp2p networks do, so that IPFS tools see what it speaks. Default false. */
  readonly ipfsIdentify?: boolean;
  /**
   * Takes part in the DHT of the mesh, which knows who provides what. A node that listens answers others and keeps their
   * records (server), one that only dials asks (client). Default false.
   */
  readonly dht?: boolean;
  /** Name and version that peers see, e.g. `omninode/0.1.0`. */
  readonly agent: string;
}

export interface MeshComponents {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export const HANDSHAKE_TIMEOUT_MS = 5_000;
export const DIAL_TIMEOUT_MS = 10_000;
/** WebRTC over a relay: libp2p loses one attempt in seven on a busy machine, and then waits for ever. */
export const WEBRTC_ATTEMPTS = 3;
export const WEBRTC_ATTEMPT_MS = 5_000;
export const MAX_CONNECTIONS = 256;
/** Peers whose addresses and protocols are remembered, connected or not. */
export const MAX_REMEMBERED_PEERS = 1024;
/** Discovered peers are dialled below this number of connections only, so that a crowded network does not fill the table. */
export const MAX_DISCOVERED_CONNECTIONS = 32;
export const MAX_PARALLEL_DIALS = 64;
/** libp2p's default of 5 refuses a pipeline that starts on one host; 64 nodes behind one address may join in a second. */
export const INBOUND_CONNECTIONS_PER_SECOND = 128;
export const MAX_PENDING_INBOUND = 128;
/** Streams with a connection for themselves, over all peers. */
export const MAX_DIRECT_STREAMS = 128;
/** Both sides must agree on the first window, so this is part of the protocol and not a setting. */
export const YAMUX_INITIAL_WINDOW_BYTES = 256 * 1024;
export const YAMUX_MAX_WINDOW_BYTES = 16 * 1024 * 1024;
export const MAX_STREAMS_PER_CONNECTION = 256;
/** Streams of a WebRTC connection that come before both sides are ready: those by which peers introduce themselves, and then some. */
export const MAX_EARLY_STREAMS = 32;

/** What a relay carries for others. Reservations, of peers that may be reached through it. */
export const RELAY_MAX_RESERVATIONS = 128;
export const RELAY_RESERVATION_MS = 60 * 60_000;
/** Relayed connections to one peer, and from one. */
export const RELAY_MAX_STREAMS = 32;
/** Of a relayed connection, but to members: both directions, and its whole life. */
export const RELAY_MAX_BYTES = 16 * 1024 * 1024;
export const RELAY_MAX_MS = 10 * 60_000;

const KIB = 1024;

/** For protocols of one small question and answer. */
export const SMALL_PROTOCOL: ProtocolLimits = { maxFrameBytes: 4 * KIB, maxQueuedFrames: 4, maxInboundStreams: 4, maxOutboundStreams: 8, relayed: true };

/** What one message of a topic may weigh; larger ones are rejected, not forwarded, and cost their sender score. */
export const TOPIC_MAX_BYTES: Readonly<Record<Topic, number>> = {
  'omni/test/v1': 64 * KIB,
  'omni/capability/v1': 16 * KIB,
  'omni/shard/v1': 64 * KIB,
  'omni/pipeline/v1': 64 * KIB,
  'omni/proof/v1': 256 * KIB,
};
/** A whole gossip RPC: several messages and control entries may share one. */
export const GOSSIP_RPC_MAX_BYTES = 1024 * KIB;
/** How often a connection is checked for life, and how long an answer may take before it is dropped. */
export const LIVENESS_INTERVAL_MS = 10_000;
export const LIVENESS_TIMEOUT_MS = 15_000;

/** Ours alone: no node of another network is met on it, and no list of public nodes is asked. */
export const DHT_PROTOCOL = '/omni/kad/1.0.0';
export const DHT_PREFIX = '/omni-dht';
/** A record that is not published again is forgotten after this time. */
export const DHT_RECORD_TTL_MS = 60 * 60_000;
export const DHT_REPUBLISH_MS = 30 * 60_000;
/** What a node keeps for others. */
export const DHT_MAX_RECORDS = 65_536;
export const DHT_MAX_RECORDS_PER_PEER = 2048;
/** Of one peer, as others tell them. */
export const DHT_MAX_ADDRESSES = 8;
/** Peers that are new to us whose addresses are taken from others' answers; libp2p keeps them for hours. */
export const DHT_TOLD_PEERS_RATE = { perSecond: 2, burst: 512 } as const;
export const DHT_MAX_QUEUED_PEERS = 256;
export const DHT_MAX_STREAMS = 8;
/** After the start the node looks for its neighbours; questions wait for that. */
export const DHT_FIRST_QUERY_MS = 50;
