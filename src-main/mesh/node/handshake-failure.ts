import { isCoded } from '../../base/index.ts';
import { describe } from './dial-error.ts';

/** What became of a connection that is none: bounded, for a metric. What the zone refused is among the refusals too, by its code. */
export type HandshakeFailure = 'no member' | 'refused' | 'wrong identity' | 'busy' | 'timeout' | 'closed' | 'protocol';

const NO_MEMBER: ReadonlySet<string> = new Set(['ZONE_STRANGER', 'ZONE_SILENT_PEER', 'ZONE_KNOCK_REPLAYED', 'ZONE_CLOCK_APART', 'ZONE_NOT_ALLOWED']);
const OF_THE_HANDSHAKE: ReadonlySet<string> = new Set(['ZONE_HANDSHAKE_FAILED', 'MESH_HANDSHAKE_FAILED', 'MESH_DIAL_FAILED']);

const PATTERNS: readonly (readonly [RegExp, HandshakeFailure])[] = [
  [/Nobody of this zone/, 'no member'],
  [/ConnectionInterceptedError|DialDeniedError/, 'refused'],
  [/ConnectionDeniedError|too many/, 'busy'],
  [/Unexpected ?Peer|does not match|Dialed peer/i, 'wrong identity'],
  [/timeout|timed out|too long|abort/i, 'timeout'],
  [/closed|closing|reset|hang up|disconnected|\bend(ed)?\b|EOF|EPIPE|ECONN/i, 'closed'],
];

/** Why a handshake failed, from libp2p's error, which often has nothing but words, or ours. */
export function failureOf(error: unknown): HandshakeFailure {
  if (isCoded(error) && NO_MEMBER.has(error.code)) return 'no member';
  if (isCoded(error) && error.code.startsWith('ZONE_') && !OF_THE_HANDSHAKE.has(error.code)) return 'refused';
  const text = describe(error);
  return PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'protocol';
}
