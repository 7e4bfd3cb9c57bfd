import type { CodedError } from '../../base/index.ts';
import { DIAL_REASONS, meshErrors, type DialReason } from '../errors.ts';

const PATTERNS: readonly (readonly [RegExp, DialReason])[] = [
  [/Nobody of this zone answered/, 'another zone'],
  [/Unexpected ?Peer|payload identity key .* does not match|Dialed peer \w+ but connected to/i, 'wrong identity'],
  [/ECONNREFUSED/, 'refused'],
  // A private zone ends the connection of a stranger so; what a timeout ends may be anything.
  [/EncryptionFailed(?!.*(Timeout|timed out|abort))/i, 'no handshake'],
  [/ETIMEDOUT|Timeout/i, 'timeout'],
];

/** Why a dial failed, from libp2p's error (an AggregateError when several addresses were tried). */
export function dialError(address: string, error: unknown): CodedError {
  const text = describe(error);
  const reason = PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'unreachable';
  return meshErrors.dialFailed({ address, reason }, error);
}

/** Of MESH_DIAL_FAILED and its likes; `unreachable` where an error says nothing of it. */
export function dialReasonOf({ meta }: CodedError): DialReason {
  const reason = meta?.['reason'];
  return DIAL_REASONS.find((known) => known === reason) ?? 'unreachable';
}

/** The peer answered, and no encrypted connection came of it. */
export const isHandshakeFailure = (error: unknown): boolean => /Nobody of this zone|Encryption|UnexpectedPeer|does not match|Dialed peer|Muxer|InvalidCrypto/i.test(describe(error));

/** Names, codes and messages of an error and of all inside it, for matching. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` < ${describe(error.cause)}`;
  return `${error.name}: ${error.message}${cause}`;
}
