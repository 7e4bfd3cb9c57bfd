import type { RateLimitOptions } from '../../../base/index.ts';
import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

export const CAPABILITY_PROTOCOL = '/omni/capability/1.0.0';
/** A question has 8.5 KiB at most. */
export const CAPABILITY_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, maxFrameBytes: 64 * 1024, maxQueuedFrames: 1, streamsPerSecond: 50, framesPerSecond: 50, bytesPerSecond: 128 * 1024 };
export const CAPABILITY_TIMEOUT_MS = 5_000;
/** Named in one question. */
export const MAX_ASKED_PEERS = 64;
/** Of one questioner, who may have no more of them than there are pages of a full directory. */
export const MAX_PAGES = 512;
/** What one peer may ask. */
export const CAPABILITY_RATE: RateLimitOptions = { perSecond: 10, burst: 100, maxKeys: 1024 };
/** Pages of a directory that a newcomer asks for one after the other; after these it waits before each, so that it is answered them all. */
export const PAGES_AT_ONCE = 50;
export const PAGE_MS = 125;
