import type { RateLimitOptions } from '../../../base/index.ts';
import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

export const PEERS_PROTOCOL = '/omni/peers/1.0.0';
export const PEERS_VERSION = 1;
export const PEERS_TIMEOUT_MS = 5_000;
/** In one answer, and addresses of each. */
export const MAX_TOLD_PEERS = 32;
export const MAX_TOLD_ADDRESSES = 4;
/** That a node says of itself. */
export const MAX_OWN_ADDRESSES = 8;
/** A question has 2.2 KiB at most. */
export const PEERS_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, maxFrameBytes: 64 * 1024, maxQueuedFrames: 1, streamsPerSecond: 4, framesPerSecond: 4, bytesPerSecond: 32 * 1024 };
/** What one peer may ask of us. */
export const PEERS_RATE: RateLimitOptions = { perSecond: 0.2, burst: 4, maxKeys: 1024 };
