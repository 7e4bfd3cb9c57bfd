import type { RateLimitOptions } from '../../../base/index.ts';
import type { ProtocolLimits } from '../../types.ts';

export const BANDWIDTH_PROTOCOL = '/omni-node/bandwidth/1.0.0';
export const FRAME_BYTES = 8 * 1024;
/** Frames that leave without waiting for each other. */
export const TRAIN_FRAMES = 8;
/** The first opens the congestion windows, the second is measured: 128 KiB each way at most. */
export const TRAINS = 2;
/** A slow link has told enough after this long: frames that have come by then are what is measured. */
export const BUDGET_MS = 1_000;
export const BANDWIDTH_TIMEOUT_MS = 5_000;
/** A train is too short to tell of more. */
export const MAX_BYTES_PER_SECOND = 1_250_000_000;
export const BANDWIDTH_LIMITS: ProtocolLimits = { maxFrameBytes: FRAME_BYTES, maxQueuedFrames: 2 * TRAIN_FRAMES, maxInboundStreams: 2, maxOutboundStreams: 4 };
/** Frames that one peer may have echoed, over all its streams: four measurements, then one in two seconds. */
export const BANDWIDTH_RATE: RateLimitOptions = { perSecond: 8, burst: 4 * TRAINS * TRAIN_FRAMES, maxKeys: 1024 };
/** Frames of all peers together: peer ids cost nothing. */
export const BANDWIDTH_TOTAL_RATE: RateLimitOptions = { perSecond: 256, burst: 1024, maxKeys: 1 };
