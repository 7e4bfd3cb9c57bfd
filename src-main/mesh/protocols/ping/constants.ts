import { SMALL_PROTOCOL } from '../../options.ts';
import type { ProtocolLimits } from '../../types.ts';

export const PING_PROTOCOL = '/omni-node/ping/1.0.0';
export const PING_BYTES = 32;
export const PING_TIMEOUT_MS = 5_000;
export const PING_LIMITS: ProtocolLimits = { ...SMALL_PROTOCOL, maxFrameBytes: PING_BYTES };
