import type { RateLimitOptions } from '../../../base/index.ts';
import type { ProtocolLimits } from '../../types.ts';

export const BANDWIDTH_PROTOCOL = '/omni-node/bandwidth/1.0.0';
export const FRAME_BYTES = 8 * 1024;
/** Frames that leave without waiting for each other. */
export const TRAIN_FRAMES = 8;
/** After a first one, which opens the congestion windows: 256 KiB each way at most. */
export const MEASURED_TRAINS = 3;
/** One train is enough of a link on which that much time has passed. */
export const SETTLED_MS = 250;
/** A slow link has told enough after this long: frames that have come by then are what is measured. */
export const BUDGET_MS = 1_000;
export const BANDWIDTH_TIMEOUT_MS = 5_000;
/** Of more nothing is told: at 1 Gbit/s a train takes half a millisecond, and a process may be late by as much. */
export const MAX_BYTES_PER_SECOND = 125_000_000;
export const BANDWIDTH_LIMITS: ProtocolLimits = { maxFrameBytes: FRAME_BYTES, maxQueuedFrames: 2 * TRAIN_FRAMES, maxInboundStreams: 2, maxOutboundStreams: 4, streamsPerSecond: 4, framesPerSecond: 3 * (1 + MEASURED_TRAINS) * TRAIN_FRAMES };
/** Frames that one peer may have echoed, over all its streams: four measurements, then one in two seconds. */
export const BANDWIDTH_RATE: RateLimitOptions = { perSecond: 16, burst: 4 * (1 + MEASURED_TRAINS) * TRAIN_FRAMES, maxKeys: 1024 };
/** Frames of all peers together: peer ids cost nothing. */
export const BANDWIDTH_TOTAL_RATE: RateLimitOptions = { perSecond: 512, burst: 2048, maxKeys: 1 };
