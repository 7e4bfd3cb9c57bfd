export const DOCUMENT_LIMITS = {
  /** After it the link leads nowhere. */
  ticketMs: 900_000, tickets: 8,
  /** Forms of one document that were shown and not sent. */
  tokens: 8,
  /** An approval of what was shown for less than that does not count: nobody read it. */
  minAgeMs: 1_000,
  bodyBytes: 65_536, perSecond: 5, burst: 30, timeoutMs: 30_000,
} as const;
