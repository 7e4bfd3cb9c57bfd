import type { Clock, Logger, Metrics } from '../base/index.ts';
import type { ProtocolLimits, Topic } from './types.ts';

export type IdentityOption = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'ephemeral' };

export interface MeshOptions {
  /** TCP multiaddrs; port 0 takes a free one, an empty list makes a node that only dials. */
  readonly listen: readonly string[];
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

const KIB = 1024;

/** For protocols of one small question and answer. */
export const SMALL_PROTOCOL: ProtocolLimits = { maxFrameBytes: 4 * KIB, maxQueuedFrames: 4, maxInboundStreams: 4, maxOutboundStreams: 8 };

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
