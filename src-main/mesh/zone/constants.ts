/** New sessions per second from one address, unless the owner sets another number; as many may come at once. */
export const SESSIONS_PER_SECOND = 10;
/** This machine's own processes are no strangers: a cluster of 64 may join in a second. */
export const MACHINE_SESSIONS_PER_SECOND = 128;
/** Sessions of one address that have not yet proved who they are; an attacker needs eight addresses to fill the table. */
export const MAX_PENDING_PER_ADDRESS = 16;
/** Addresses whose sessions are counted. */
export const MAX_COUNTED_ADDRESSES = 4096;
/** A peer needs one; two that dial each other have two for a moment, each with its other transports a few more. */
export const MAX_SESSIONS_PER_PEER = 8;
/** Processes at once that one member answers for. */
export const MAX_GUESTS_PER_PEER = 32;
/** How far the clocks of two members may be apart; an answered knock is remembered for twice as long. */
export const KNOCK_WINDOW_MS = 10 * 60_000;
export const MAX_REMEMBERED_KNOCKS = 65_536;
/** A session that carried nothing but its upkeep for so long is ended. */
export const IDLE_SESSION_MS = 60 * 60_000;
export const IDLE_CHECK_MS = 60_000;
/** Faults that a peer may have at once, and in how long each is forgiven; one more and it is banned for a while. */
export const MAX_FAULTS = 20;
export const FAULT_FORGIVEN_MS = 30_000;
export const FAULT_BAN_MS = 10 * 60_000;
export const MAX_WATCHED_PEERS = 4096;
/** How often a ban that another process wrote is looked for. */
export const BANS_CHECK_MS = 1_000;
export const MAX_BANS = 4096;
export const MAX_BAN_REASON = 200;
/** What one peer may open and send on all protocols together; what a protocol is for may set less. */
export const PEER_STREAMS = { perSecond: 100, burst: 400 } as const;
/** Gossip messages that one author may publish, and that one neighbour may hand on. */
export const AUTHOR_MESSAGES = { perSecond: 10, burst: 60 } as const;
export const NEIGHBOUR_MESSAGES = { perSecond: 200, burst: 1000 } as const;
/** gossipsub itself forgets a message after two minutes. */
export const MESSAGE_WINDOW_MS = 24 * 60 * 60_000;
export const MAX_REMEMBERED_MESSAGES = 65_536;
