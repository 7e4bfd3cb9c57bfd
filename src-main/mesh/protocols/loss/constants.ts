import type { RateLimitOptions } from '../../../base/index.ts';
import type { ProtocolLimits } from '../../types.ts';

export const LOSS_PROTOCOL = '/omni/loss/1.0.0';
export const TOKEN_BYTES = 16;
/** The token, and which one it is (u16). */
export const DATAGRAM_BYTES = TOKEN_BYTES + 2;
/** Datagrams of a probe: a loss of 1 % is told within a third of it. */
export const PROBE_DATAGRAMS = 1_000;
/** What may be asked for. */
export const MAX_DATAGRAMS = 1_024;
/** 400 a second, 24 KB/s with all headers: a queue on the way that overflows by so little is in use anyway. */
export const BATCH_DATAGRAMS = 4;
export const BATCH_MS = 10;
/** The last ones may be later than the word that all were sent. */
export const SETTLE_MS = 500;
/** A whole probe, of either side: the stream's own packets are lost too. */
export const LOSS_TIMEOUT_MS = 15_000;
/** More than so many times what was asked for is a flood: it is listened to no more. */
export const MAX_HEARD_TIMES = 4;
/** Sockets open at once: for all, and for one peer. */
export const MAX_SOCKETS = 16;
export const MAX_SOCKETS_PER_PEER = 2;
/** Below it are the services of a machine. */
export const MIN_PORT = 1_024;
/** An IP address as text, and how many datagrams. */
const MAX_FRAME_BYTES = 64;
export const LOSS_LIMITS: ProtocolLimits = { maxFrameBytes: MAX_FRAME_BYTES, maxQueuedFrames: 4, maxInboundStreams: 2, maxOutboundStreams: 2, streamsPerSecond: 4, framesPerSecond: 8 };
/** Probes that a peer may ask for: 16 one after the other, then one in five seconds. */
export const LOSS_RATE: RateLimitOptions = { perSecond: 0.2, burst: 16, maxKeys: 1024 };
