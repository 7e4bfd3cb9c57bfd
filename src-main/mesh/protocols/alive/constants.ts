import type { ProtocolLimits } from '../../types.ts';

export const ALIVE_PROTOCOL = '/omni/alive/1.0.0';
export const SIGN_BYTES = 2;
export const ALIVE_TIMEOUT_MS = 5_000;
/** How often a node gives its neighbours a sign. */
export const SIGN_EVERY_MS = 2_000;
/** What a peer may say of how often it will. */
export const MIN_SIGN_EVERY_MS = 500;
export const MAX_SIGN_EVERY_MS = 10_000;
/** A peer has one stream; when connections change there are two for a moment. Signs that came while we were frozen are read together: until then the connection is dropped. */
export const ALIVE_LIMITS: ProtocolLimits = { maxFrameBytes: SIGN_BYTES, maxQueuedFrames: 64, maxInboundStreams: 2, maxOutboundStreams: 2, relayed: true, streamsPerSecond: 4, framesPerSecond: 40 };
