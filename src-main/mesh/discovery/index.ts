export { Discovery, peekIntoHome, type DiscoveryComponents, type DiscoveryOptions, type KnownAddress, type KnownPeer } from './discovery.ts';
export type { BookPeer } from './book-schema.ts';
export { createInvite, INVITE_PREFIX, readInvite, type Invite, type InviteZone } from './invite.ts';
export { reachOf, type Reach } from './plain-address.ts';
export { DEFAULT_INVITE_TTL_MS, MAX_INVITE_ADDRESSES, MAX_INVITE_TTL_MS } from './options.ts';
export { inviteErrors } from './errors.ts';
