import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

/** AutoNAT v2 (libp2p specs, autonat/autonat-v2.md) under our own prefix: nobody of another network is asked, or answered. */
export const DIAL_REQUEST_PROTOCOL = '/omni/autonat/2/dial-request';
export const DIAL_BACK_PROTOCOL = '/omni/autonat/2/dial-back';
/** A node asks a peer about six addresses at most, one after the other, and each may come back. */
export const AUTONAT_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, lengthPrefix: 'varint', maxInboundStreams: 2, streamsPerSecond: 8, framesPerSecond: 8, bytesPerSecond: 16 * 1024 };
/** A whole question: the peer dials, and tells what came of it. */
export const AUTONAT_TIMEOUT_MS = 15_000;
/** How long a dial back may take; less than the question, so that a silent address is told of. */
export const DIAL_BACK_TIMEOUT_MS = 8_000;
/** Addresses in one request that are looked at. */
export const MAX_ADDRESSES = 8;
/** Dials made for one peer, and for all. */
export const DIAL_BACK_RATE = { perSecond: 0.5, burst: 8, maxKeys: 1024 } as const;
export const DIAL_BACK_TOTAL_RATE = { perSecond: 5, burst: 20, maxKeys: 1 } as const;
