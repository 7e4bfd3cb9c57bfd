const MIB = 1024 * 1024;

export const BITSWAP_PROTOCOL = '/ipfs/bitswap/1.2.0';

/** What other implementations keep messages within. */
export const MAX_MESSAGE_BYTES = 4 * MIB;
/** Wants in one message, and wants of one peer that wait for their answer. */
export const MAX_WANTS = 4096;
/** Blocks and presences in one message. */
export const MAX_ANSWERS = 4096;
/** Bytes of a CID: those of shards have 36, other networks' may be longer. */
export const MAX_CID_BYTES = 128;
/** Presences that go out together. */
export const PRESENCES_PER_MESSAGE = 512;
/** Wants of one peer; it may save up for two full messages. */
export const WANTS_PER_SECOND = 4096;

/** What the mesh is to enforce on streams of this protocol; the shape is that of its `ProtocolLimits`. */
export const BITSWAP_LIMITS = {
  maxFrameBytes: MAX_MESSAGE_BYTES,
  maxQueuedFrames: 256,
  // Others open a stream for every message, many at once.
  maxInboundStreams: 64,
  maxOutboundStreams: 64,
  lengthPrefix: 'varint',
} as const;

/** Leaves asked of an IPFS node and not received: what it can make us keep. */
export const WINDOW_LEAVES = 16;
/** Nodes and single blocks asked of one node at a time. */
export const PARALLEL_QUESTIONS = 8;
/** Of those, kept for when they are asked for again. */
export const KEPT_BLOCKS = 16;
/** Blocks that came or were called off, which may come once more without anybody having lied. */
export const PAST_BLOCKS = 4096;
/** A shard list from the catalogue is as old as this at most when a block is not found. */
export const REFRESH_MS = 1000;
