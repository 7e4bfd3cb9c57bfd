import type { RateLimitOptions } from '../../base/index.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const PROVIDERS_TOPIC = 'omni/shard/v1';
export const PROVIDERS_PROTOCOL = '/omni/providers/1.0.0';
/** A question has 4 KiB; a fetch asks each member once, one that fetches layers once a layer. What the mesh is to enforce on streams of this protocol; the shape is that of its `ProtocolLimits`. */
export const PROVIDERS_LIMITS = { maxFrameBytes: 64 * 1024, maxQueuedFrames: 2, maxInboundStreams: 4, maxOutboundStreams: 8, streamsPerSecond: 20, framesPerSecond: 20, bytesPerSecond: 128 * 1024 } as const;

/** Models and shards in one announcement; a larger store announces in several. Keeps it within the topic's 64 KiB. */
export const MAX_ENTRIES = 256;
/** Shards of a manifest and its vocabulary, one bit each. */
export const MAX_PIECES = 513;
export const MAX_ADDRESSES = 8;
export const MAX_ADDRESS_CHARS = 256;
/** Of one peer, at the one who hears it. */
export const MAX_CIDS_PER_PEER = 4096;
/** How far the author's clock may be from ours: what is older was held back or is told again by somebody else. */
export const MAX_AGE_MS = 60 * MINUTE_MS;
export const MAX_TTL_MS = 24 * 60 * MINUTE_MS;

export const ANNOUNCE_TTL_MS = 30 * MINUTE_MS;
export const ANNOUNCE_EVERY_MS = 10 * MINUTE_MS;
/** How often the catalogue is looked at for changes: other processes make them. */
export const CHECK_MS = 5 * SECOND_MS;
/** What only adds to what was told waits for more of it: a download brings a shard every second. What is gone is told at once. */
export const GROW_MS = 20 * SECOND_MS;
/** Newcomers of this time are told together. */
export const GATHER_MS = 500;
/** All is told again for newcomers this often at most, once somebody has heard it. */
export const RETELL_MS = 60 * SECOND_MS;
/** Shards and manifests that get a record on the DHT. */
export const MAX_RECORDS = 1024;
/** Records at fewer peers than a DHT keeps of each are published again soon: the network is small, or new. */
export const FEW_PEERS = 20;
export const SMALL_NETWORK_MS = 60 * SECOND_MS;
export const MAX_RECORDS_RETOLD = 64;
export const PROVIDE_TIMEOUT_MS = 120 * SECOND_MS;

/** What one author may say, also through others: all pages of a full store at once. */
export const AUTHOR_RATE: RateLimitOptions = { perSecond: 0.5, burst: 2 * (MAX_CIDS_PER_PEER / MAX_ENTRIES), maxKeys: 4096 };
export const ALL_AUTHORS_RATE: RateLimitOptions = { perSecond: 20, burst: 400 };

/** CIDs in one question, providers in one answer. */
export const MAX_QUESTION_CIDS = 64;
export const MAX_ANSWERS = 64;
export const QUESTION_RATE: RateLimitOptions = { perSecond: 10, burst: 40, maxKeys: 1024 };
export const ANSWER_TIMEOUT_MS = 5 * SECOND_MS;
/** A provider that was found, not heard, is remembered for this time. */
export const FOUND_TTL_MS = 10 * MINUTE_MS;
/** How often what expired is removed. */
export const SWEEP_MS = 60 * SECOND_MS;
