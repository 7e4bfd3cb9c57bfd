/** STUN questions of one address; two addresses are asked for in one WebRTC connection, each a few times. */
export const STUN_RATE = { perSecond: 10, burst: 60, maxKeys: 4096 } as const;
export const STUN_TOTAL_RATE = { perSecond: 1000, burst: 2000, maxKeys: 1 } as const;
export const STUN_DEFAULT_PORT = 3478;

/** Addresses of ours that are tried from outside, and peers asked to try each. */
export const MAX_CANDIDATES = 6;
export const MAX_ASKED_PEERS = 3;
/** Hosts as which others see us; more are a network that changes, or peers that lie. */
export const MAX_OBSERVED_HOSTS = 4;
/** How long an answer counts, and after what time somebody is asked anew. */
export const ANSWER_TTL_MS = 15 * 60_000;
export const ANSWER_FRESH_MS = 4 * 60_000;
export const RECHECK_MS = 5 * 60_000;

/** Between attempts to get a place at a relay. */
export const RELAY_RETRY = { firstMs: 1_000, maxMs: 60_000 } as const;
/** How long a start waits for the relays in `listen`; the node is there without them too. */
export const FIRST_PLACE_MS = 3_000;
export const IDENTIFY_ATTEMPTS = 4;
export const IDENTIFY_AGAIN_MS = 150;
/** What a relay may take to introduce itself and to give a place. */
export const RESERVATION_TIMEOUT_MS = 15_000;

/** For a peer behind a router to reach us who are not; after that we try what works between two routers. */
export const DCUTR_WAIT_MS = 6_000;
/** Of one attempt; the side that answers gives up after HANDSHAKE_TIMEOUT_MS. */
export const UPGRADE_TIMEOUT_MS = 6_500;
/** Between attempts to get a direct connection to a peer that is reached through a relay. */
export const UPGRADE_RETRY = { firstMs: 2_000, maxMs: 10 * 60_000 } as const;
/** How often a connection that has a better one beside it is looked at whether it is still needed. */
export const RETIRE_CHECK_MS = 500;

export type PortMapping = 'off' | 'upnp' | 'nat-pmp';

export interface NatOptions {
  /** Multiaddrs of relays at which this node keeps a place, so that it is reached from anywhere. */
  readonly relays?: readonly string[];
  /** Where this node tells others what their address looks like (STUN); port 0 takes a free one. Default: nowhere. */
  readonly stunServer?: { readonly address: string; readonly port: number };
  /** Asks the router of this network to let others in. Default `off`. */
  readonly portMapping?: PortMapping;
}
