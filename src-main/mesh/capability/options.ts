import type { RateLimitOptions } from '../../base/index.ts';
import type { Topic } from '../types.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const CAPABILITY_TOPIC: Topic = 'omni/capability/v1';
/** Of the messages: another major version is refused, a minor one may say more. */
export const VERSION = { major: 1, minor: 0 } as const;

/** One signed message; the topic's limit. */
export const MAX_MESSAGE_BYTES = 16 * 1024;
export const SIGNATURE_BYTES = 64;
export const MAX_LABEL_CHARS = 100;
export const MAX_DEVICES = 16;
export const MAX_MODELS = 32;
export const MAX_RANGES = 32;
export const MAX_LINKS = 32;

/** How far an author's clock may be from ours. What is older was held back or is told again by somebody else. */
export const MAX_SKEW_MS = 2 * MINUTE_MS;
export const MAX_TTL_MS = 2 * MINUTE_MS;
/** Who has left is remembered until no message of it can be fresh any more, whichever way the clocks are wrong. */
export const FORGET_MS = 2 * MAX_SKEW_MS + MAX_TTL_MS;
/** Nodes that a directory knows, those that left included. */
export const MAX_KNOWN = 4096;
export const SWEEP_MS = 500;
/** A sweep this late means that we were frozen ourselves: nobody could be heard. */
export const MISSED_SWEEP_MS = 2 * SECOND_MS;

/** Two beats may be lost: with the third one in time a node stays, and one that was killed is gone within 15 s. */
export const BEAT_MS = 4 * SECOND_MS;
export const TTL_BEATS = 3.25;
/** All members together beat 50 times a second at most: above 200 of them each does so less often. */
export const BEAT_MS_PER_MEMBER = 20;
export const MAX_BEAT_MS = 36 * SECOND_MS;
/** All is told again this often though nothing changed, for those who missed it. */
export const AD_EVERY_MS = MINUTE_MS;
/** Newcomers of this time are greeted together. */
export const GREET_MS = 200;
export const GREET_EVERY_MS = SECOND_MS;
/** Change of free memory, as a share of all, that is told at once. */
export const TELLING_SHARE = 0.05;
/** An author's clock that is ahead of its own timeline by more begins a new run: the machine slept. */
export const SLEPT_MS = 2 * SECOND_MS;
/** How long those who hear us may take to say that they did, at the end. */
export const FAREWELL_MS = SECOND_MS;

/** What one author may say, also through others. */
export const AUTHOR_RATE: RateLimitOptions = { perSecond: 2, burst: 20, maxKeys: MAX_KNOWN };
export const ALL_AUTHORS_RATE: RateLimitOptions = { perSecond: 200, burst: 2000 };

/** A neighbour is asked for everybody it knows this often; others that are met meanwhile only for themselves. */
export const ASK_ALL_EVERY_MS = MINUTE_MS;
export const ASK_MISSING_MS = 500;
/** Neighbours that are asked for an ad that we lack, one after the other. */
export const MAX_ASKED = 3;
