import { bitmapBytes } from './schedule/holdings.ts';
import { LEAF_BYTES, MAX_TREE_BYTES } from '../dag/index.ts';

const KIB = 1024;

export const BLOCK_PROTOCOL = '/omni/block/1.0.0';

/** A leaf travels in pieces of this size: small enough to see a slow source move and to take turns, large enough for speed. */
export const CHUNK_BYTES = 256 * KIB;
/** Only the end of a leaf may be shorter: nobody is kept busy by single bytes. */
export const MIN_CHUNK_BYTES = 16 * KIB;
/** CIDs in one question. */
export const MAX_CIDS = 64;
/** Digests in one answer. */
export const MAX_HASHES = 8192;
/** Leaves in one request. */
export const MAX_RUN_LEAVES = 64;
/** Leaves that a peer may have asked and not received: our promise to it, and the most that we make use of. */
export const MAX_WINDOW_LEAVES = 64;
export const MAX_SHARD_LEAVES = MAX_TREE_BYTES / LEAF_BYTES;
/** All holdings in one answer; what does not fit is asked for again. */
export const MAX_HOLDINGS_BYTES = bitmapBytes(MAX_SHARD_LEAVES) + 64 * KIB;

/** What the mesh is to enforce on streams of this protocol, and that they may have connections for themselves; the shape is that of its `ProtocolLimits`. */
export const BLOCK_LIMITS = {
  maxFrameBytes: CHUNK_BYTES + 64,
  // A window of leaves in pieces, with room for answers.
  maxQueuedFrames: MAX_WINDOW_LEAVES * (LEAF_BYTES / CHUNK_BYTES) + 64,
  maxInboundStreams: 4,
  maxOutboundStreams: 4,
  direct: true,
} as const;

export const HELLO_TIMEOUT_MS = 5_000;
/** A question (not the bytes of leaves) that is not answered by then ends the link. */
export const ANSWER_TIMEOUT_MS = 15_000;
/** Questions of one peer; asking for leaves is bounded by the window instead. */
export const QUESTIONS_PER_SECOND = 50;
