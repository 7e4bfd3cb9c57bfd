export { Presence, type PresenceInit } from './presence.ts';
export type { DirectoryEvents, LeftWhy, Member } from './directory.ts';
export { profileSchema, type ModelOffer, type Profile } from './profile.ts';
export { MAX_LABEL_CHARS, MAX_LINKS, MAX_MODELS, MAX_RANGES } from './options.ts';
