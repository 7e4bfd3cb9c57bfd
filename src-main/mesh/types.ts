import type { CodedError, Events, PeerId, Service, Unsubscribe } from '../base/index.ts';
import type { LinkFigures } from './links/link-figures.ts';

export const TOPICS = ['omni/test/v1', 'omni/capability/v1', 'omni/shard/v1', 'omni/pipeline/v1', 'omni/proof/v1'] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * A long-lived bidirectional stream of length-prefixed frames (u32 little-endian
 * length unless the protocol's limits say otherwise, then the bytes; a longer frame
 * than the protocol's limit aborts the stream with MESH_FRAME_TOO_LONG, fault peer).
 */
export interface FrameStream extends AsyncIterable<Uint8Array> {
  readonly peer: PeerId;
  readonly protocol: string;
  /** Sends one frame made of the parts, in one write; resolves when the transport has room for more. */
  send(...parts: readonly Uint8Array[]): Promise<void>;
  /**
   * Gives a frame's memory back, for frames to come: fresh memory for each costs bulk transfers a good part of their
   * speed. Nobody may look at the frame afterwards.
   */
  recycle?(frame: Uint8Array): void;
  /** Ends our side after what was sent; resolves when the stream is closed. */
  close(): Promise<void>;
  /** Drops the stream at once; the reader's loop ends with `error`. */
  abort(error: Error): void;
  /** Settles when the stream is gone: undefined after a clean end, else the coded reason. Never rejects. */
  readonly closed: Promise<Error | undefined>;
}

/** How the length before a frame is written: 4 bytes, little-endian, or as other projects' protocols have it (unsigned LEB128). */
export type LengthPrefix = 'u32' | 'varint';

export interface ProtocolLimits {
  readonly maxFrameBytes: number;
  /** Frames received and not yet read by the handler; beyond it the stream is aborted (fault peer). */
  readonly maxQueuedFrames: number;
  readonly maxInboundStreams: number;
  readonly maxOutboundStreams: number;
  /** Most streams a second that one peer may open; twice as many may come at once. Default: as many as of all protocols together. */
  readonly streamsPerSecond?: number;
  /** Most frames a second that one peer may send, over all its streams; twice as many may come at once. Default: as many as are read. */
  readonly framesPerSecond?: number;
  /** The same in bytes. */
  readonly bytesPerSecond?: number;
  /** Default `u32`. */
  readonly lengthPrefix?: LengthPrefix;
  /** Also lets in streams that have a connection for themselves (`openDirect`), whose prefix is `u32`. */
  readonly direct?: boolean;
  /** Goes over a relay too while there is no direct connection, even where the relay limits bytes and time. Both sides have to say so. Default false. */
  readonly relayed?: boolean;
  /** Streams that live long enough to change over to a better connection, with peers that can (docs/protocols/move.md). Default false. */
  readonly moves?: boolean;
}

export type Route = 'direct' | 'relayed';

export interface PeerSummary {
  readonly peer: PeerId;
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  /** E.g. `tcp + tls + yamux`, read from the connection, not assumed. */
  readonly transport: string;
  /** `relayed`: everything goes through a third peer. */
  readonly route: Route;
  /** Why new streams take this connection, of all to the peer. */
  readonly why: string;
  /** Smoothed round trip; undefined until measured. */
  readonly rttMs: number | undefined;
  /** All that was measured of the link. */
  readonly figures?: LinkFigures;
  readonly agent: string | undefined;
  readonly protocols: readonly string[];
}

export interface TopicMessage {
  readonly topic: Topic;
  readonly from: PeerId;
  readonly data: Uint8Array;
}

/** Says what becomes of a peer's message on a topic. `reject`: it is wrong, and whoever forwarded it should have known; `ignore`: just not now. */
export interface TopicRefusal {
  readonly verdict: 'reject' | 'ignore';
  /** An error code: counted. */
  readonly code: string;
}
/** Runs for every message of others before it is delivered or forwarded; undefined lets it pass. Short and synchronous. */
export type TopicGuard = (message: TopicMessage) => TopicRefusal | undefined;

export interface ProviderRecord {
  readonly peer: PeerId;
  /** Multiaddrs that end in its peer id; nobody has dialled them yet. */
  readonly addresses: readonly string[];
}

/** The DHT: who provides the content behind a CID. */
export interface ProviderRecords {
  readonly mode: 'client' | 'server';
  /** Tells the peers nearest to the CID that we provide it, and again before the record expires. Waits for a first peer; resolves with how many were told, also when called off. */
  provide(cid: string, signal: AbortSignal): Promise<number>;
  /** Says it no more; what others were told expires. */
  withdraw(cid: string): Promise<void>;
  /** As they are found; ends when nobody is left to ask, or with the signal. Waits for a first peer to ask. */
  find(cid: string, signal: AbortSignal): AsyncGenerator<ProviderRecord>;
}

/**
 * Whether others can dial this node from the internet: `public`: one has, at an address that it then tells others; `private`: those who
 * tried could not; `unknown`: nobody has tried.
 */
export interface Reachability {
  readonly kind: 'public' | 'private' | 'unknown';
  /** In words, with who tried what. */
  readonly reason: string;
}

/** A relay at which this node wants a place, as its owner named it. */
export interface RelayPlace {
  /** Multiaddr that ends in its peer id. */
  readonly relay: string;
  readonly isHeld: boolean;
  /** Why not; absent before the first attempt has ended. */
  readonly error?: CodedError;
}

export interface MeshEvents {
  'peer:connect': { readonly peer: PeerId };
  /** The peer has introduced itself: `peers()` knows its agent and protocols now. */
  'peer:identify': { readonly peer: PeerId; readonly agent: string };
  'peer:disconnect': { readonly peer: PeerId };
  /** New streams to the peer take another connection from now on: `peers()` says which, and why. */
  'peer:link': { readonly peer: PeerId };
  'peer:discovered': { readonly peer: PeerId; readonly addresses: readonly string[] };
  'topic:message': TopicMessage;
  reachability: Reachability;
  /** This node has a place at a relay: `addresses()` has the way through it. */
  'relay:reserved': { readonly relay: PeerId };
  'relay:lost': { readonly relay: PeerId };
  /** There is no place at it, after there was one or at first; told once until there is. */
  'relay:missed': { readonly relay: PeerId };
}

/** The node's identity as others may use it: signatures, never the key. */
export interface Signer {
  readonly peerId: PeerId;
  /** 64 bytes, Ed25519 (RFC 8032). Begin `bytes` with a prefix that says what is signed. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** How a connected peer behaved of late, as this node saw it itself. */
export interface PeerConduct {
  /** What no honest peer does, forgiven bit by bit; more than MAX_FAULTS at once ban it. */
  readonly faults: number;
  /** Its score on the topics: below 0 it is listened to less, below the graylist's threshold not at all. */
  readonly topicScore: number;
}

export interface Mesh extends Service {
  readonly peerId: PeerId;
  readonly signer: Signer;
  readonly events: Events<MeshEvents>;
  /** Multiaddrs with /p2p/<peer id>, of what is really listened on. */
  addresses(): readonly string[];
  peers(): readonly PeerSummary[];
  readonly reachability: Reachability;
  relays(): readonly RelayPlace[];
  /** Dials a multiaddr (must end in /p2p/<id>: the identity is verified). Throws MESH_DIAL_FAILED. */
  dial(address: string, options?: { readonly signal?: AbortSignal }): Promise<PeerId>;
  hangUp(peer: PeerId): Promise<void>;
  conductOf(peer: PeerId): PeerConduct;
  /** Reads the list of bans now, not within a second as it does by itself, and ends what there is with those on it. */
  enforceBans(): Promise<void>;
  /** Round trip in ms over our ping protocol. */
  ping(peer: PeerId, options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** What the link to a peer carries, bytes/s, in the slower direction, MAX_TOLD_BYTES_PER_SECOND standing for all that is more; sends at most 256 KiB each way. Throws MESH_REQUEST_TIMEOUT, MESH_RESPONSE_INVALID, MESH_PROTOCOL_UNSUPPORTED. */
  bandwidth(peer: PeerId, options?: { readonly signal?: AbortSignal }): Promise<number>;
  /**
   * Share of UDP datagrams that the way to a peer loses, 0 to 1, out of a thousand: 60 KB. Undefined where it cannot be told: over relays, by routers and firewalls that let no UDP
   * through, of a peer that has no room. Throws MESH_REQUEST_TIMEOUT, MESH_RESPONSE_INVALID, MESH_PROTOCOL_UNSUPPORTED.
   */
  loss(peer: PeerId, options?: { readonly signal?: AbortSignal }): Promise<number | undefined>;
  /** Opens a stream of a protocol registered with `handle` or `limit`. */
  open(peer: PeerId, protocol: string, options: { readonly limits: ProtocolLimits; readonly signal?: AbortSignal }): Promise<FrameStream>;
  /**
   * Opens a stream that has a TLS connection for itself: for bulk, several times as fast as a stream among others. The peer must handle the
   * protocol with `direct`; the address is that of its mesh. Throws MESH_DIAL_FAILED.
   */
  openDirect(address: string, protocol: string, options: { readonly limits: ProtocolLimits; readonly signal?: AbortSignal }): Promise<FrameStream>;
  handle(protocol: string, limits: ProtocolLimits, handler: (stream: FrameStream) => void): Promise<Unsubscribe>;
  publish(topic: Topic, data: Uint8Array): Promise<{ readonly recipients: number }>;
  /** What peers' messages on a topic must be; one guard a topic. */
  guard(topic: Topic, guard: TopicGuard): Unsubscribe;
  /** Undefined where the node takes no part in the DHT. */
  readonly records: ProviderRecords | undefined;
  /** Peers known to be subscribed to a topic. */
  subscribers(topic: Topic): readonly PeerId[];
  /** Resolves once a peer is subscribed. Rejects with the signal's reason. */
  waitForSubscriber(topic: Topic, signal: AbortSignal): Promise<PeerId>;
}
