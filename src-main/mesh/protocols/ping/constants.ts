import type { RateLimitOptions } from '../../../base/index.ts';
import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

export const PING_PROTOCOL = '/omni-node/ping/1.0.0';
export const PING_BYTES = 32;
export const PING_TIMEOUT_MS = 5_000;
export const PING_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, maxFrameBytes: PING_BYTES, streamsPerSecond: 40, framesPerSecond: 40 };
/** What one peer may ask of us, over all its streams; `maxKeys` bounds what is remembered of peers. */
export const PING_RATE: RateLimitOptions = { perSecond: 20, burst: 40, maxKeys: 1024 };
