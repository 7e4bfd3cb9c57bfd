export { Presence, type PresenceInit } from './presence.ts';
export { askClock } from './ask-clock.ts';
export type { DirectoryEvents, LeftWhy, Member, PeerClock } from './directory.ts';
export { profileSchema, type ModelOffer, type Profile } from './profile.ts';
export { MAX_LABEL_CHARS, MAX_LINKS, MAX_MODELS, MAX_RANGES, MAX_SKEW_MS } from './options.ts';
