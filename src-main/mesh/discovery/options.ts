/**
 * Peers that a node keeps connected by itself. Gossip needs six (its D) to be flooded well and four (its D_low) to stay whole, so eight
 * leave room for the loss of some; a connection costs a ping every ten seconds and some 100 KB, which a hundred peers would make felt.
 */
export const TARGET_PEERS = 8;
/** Kept over restarts: peers that were dialled with success, and beyond them some that only came to us. */
export const MAX_PROVEN_PEERS = 256;
export const MAX_MET_PEERS = 64;
export const MAX_ADDRESSES_PER_PEER = 8;
export const MAX_ADDRESS_CHARS = 256;
export const MAX_BOOK_BYTES = 1024 * 1024;
/** Nobody is looked for after this time. */
export const BOOK_MAX_AGE_MS = 30 * 24 * 3_600_000;
/** An address that failed so often in a row is forgotten, unless it is the last one that once worked. */
export const MAX_ADDRESS_FAILURES = 4;
/** From a change to the write; a crash costs what was learnt in it. */
export const BOOK_WRITE_DELAY_MS = 500;

/** Peers that others told of and nobody here has reached: kept in memory. */
export const MAX_CANDIDATES = 256;
export const MAX_CANDIDATES_PER_TELLER = 32;
export const MAX_CANDIDATE_ADDRESSES = 4;
/** Who told of this many peers in a row that were not there is not listened to for a while. */
export const MAX_VAIN_TELLS = 8;
export const DISTRUST_MS = 3_600_000;
/** Dials on the word of others. */
export const CANDIDATE_DIAL_RATE = { perSecond: 0.5, burst: 16 } as const;

/** When the next of them may go. */
export const CANDIDATE_WAIT_MS = 2_000;

export const MAX_PARALLEL_TRIES = 16;
/** Addresses of one peer, in one try. */
export const MAX_ADDRESS_TRIES = 4;
/** A try older than this does not hold up the next: a host that swallows packets must not cost those after it. */
export const HEAD_START_MS = 300;
/** One address of several. */
export const ADDRESS_TRY_MS = 3_000;
/** A connection that ends sooner counts as a failed one, so that who hangs up at once is not dialled in a loop. */
export const SHORT_LIFE_MS = 10_000;
export const RETRY = { firstMs: 500, maxMs: 60_000 } as const;
/** For peers that nobody named. */
export const RETRY_UNNAMED = { firstMs: 2_000, maxMs: 15 * 60_000 } as const;
/** After how long one of the connected peers is asked again whom it knows. */
export const ASK_AGAIN = { firstMs: 2_000, maxMs: 10 * 60_000 } as const;

/** An invite: how long it may be good for at most. */
export const MAX_INVITE_TTL_MS = 30 * 24 * 3_600_000;
export const DEFAULT_INVITE_TTL_MS = 24 * 3_600_000;
export const MAX_INVITE_ADDRESSES = 4;
