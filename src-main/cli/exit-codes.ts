import type { CodedError } from '../base/index.ts';

/** What the process says to its caller; documented in the README. */
export const EXIT = { ok: 0, internal: 1, user: 2, peer: 3, local: 4, cancelled: 130 } as const;

export function exitCodeOf(error: CodedError): number {
  if (error.code.endsWith('_CANCELLED')) return EXIT.cancelled;
  if (error.code === 'INTERNAL') return EXIT.internal;
  return EXIT[error.fault];
}
