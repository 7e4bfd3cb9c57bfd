import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

export const IDENTIFY_PROTOCOL = '/omni-node/0.1.0';
/** The version that an introduction carries: raised when its meaning changes. */
export const IDENTIFY_VERSION = '0.1.0';
export const IDENTIFY_TIMEOUT_MS = 5_000;
/** Who asks opens a stream, and sends nothing. Each session asks once, and again now and then; several processes may have one peer id. */
export const IDENTIFY_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, maxFrameBytes: 8 * 1024, maxQueuedFrames: 1, streamsPerSecond: 10, framesPerSecond: 1 };
export const MAX_PROTOCOLS = 64;
export const MAX_NAME_CHARS = 100;
