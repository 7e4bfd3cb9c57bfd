import type { RateLimitOptions } from '../../base/index.ts';
import type { Topic } from '../types.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const CAPABILITY_TOPIC: Topic = 'omni/capability/v1';
/** Of the messages: another major version is refused, a minor one may say more. */
export const VERSION = { major: 1, minor: 1 } as const;

/** One signed message; the topic's limit. */
export const MAX_MESSAGE_BYTES = 16 * 1024;
export const SIGNATURE_BYTES = 64;
export const MAX_LABEL_CHARS = 100;
export const MAX_DEVICES = 16;
export const MAX_MODELS = 32;
export const MAX_RANGES = 32;
export const MAX_LINKS = 32;
/** Of these an ad names the nearest: it goes round to all. */
export const MAX_TOLD_LINKS = 8;

/** How far an author's clock may be from ours. What is older was held back or is told again by somebody else. */
export const MAX_SKEW_MS = 2 * MINUTE_MS;
export const MAX_TTL_MS = 2 * MINUTE_MS;
/** Who has left is remembered until no message of it can be fresh any more, whichever way the clocks are wrong. */
export const FORGET_MS = 2 * MAX_SKEW_MS + MAX_TTL_MS;
/** Nodes that a directory knows, those that left included. */
export const MAX_KNOWN = 4096;
/** Nodes whose clocks are too far from ours that are remembered, to be told of. */
export const MAX_APART = 256;
export const SWEEP_MS = 500;
/** How long who is said to be lost has to speak for itself: its neighbour's word and its answer go round once each. */
export const REFUTE_MS = 5 * SECOND_MS;
/** Said of something that it never said, it speaks again after this time: the lie may have come after the first answer. */
export const REFUTE_AGAIN_MS = 2 * SECOND_MS;
/** Of whom nothing was heard for so long that only this is left of a long time to live, neighbours are asked. */
export const LATE_MS = 15 * SECOND_MS;
/** Of the neighbours of a lost node the first one tells: each waits up to this long. */
export const LOSS_DELAY_MS = SECOND_MS;
/** A node whose neighbours are all lost has so long to be heard, and they to speak for themselves, before it is doubted. */
export const ORPHAN_WAIT_MS = SECOND_MS;
/** What lives longer comes rarely: who is lost is not noticed soon by it. */
export const ORPHAN_TTL_MS = 15 * SECOND_MS;
/** So many others doubt it in turn, within this time, until one has told all. */
export const ORPHAN_ASKERS = 8;
export const ORPHAN_SPREAD_MS = 2 * SECOND_MS;
/** Lost nodes in one message. */
export const MAX_LOST = 64;
/** Signs of a neighbour that may stay away, and how late one may be, until it counts as silent. */
export const MISSED_SIGNS = 2;
export const SIGN_SLACK_MS = SECOND_MS;
/** A sweep this late means that we were frozen ourselves: nobody could be heard. */
export const MISSED_SWEEP_MS = 2 * SECOND_MS;

/** Two beats may be lost, as long as they come often: with the third one in time a node stays. */
export const BEAT_MS = 4 * SECOND_MS;
export const TTL_BEATS = 3.25;
/** All members together beat 10 times a second: above 40 of them each does so less often. Who is lost is noticed by its neighbours. */
export const BEAT_MS_PER_MEMBER = 100;
export const MAX_BEAT_MS = 90 * SECOND_MS;
/** All is told again this often though nothing changed: what is not worth telling at once. Who missed an ad sees by the next beat that it did. */
export const AD_EVERY_MS = 10 * MINUTE_MS;
/** Changes may be told at once this often in a row; in the long run one in this time, and all members together tell 20 a second. */
export const AD_BURST = 3;
export const AD_GAP_MS = 5 * SECOND_MS;
export const AD_GAP_MS_PER_MEMBER = 50;
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
/** Nodes that one author may say it lost, and all together: each is answered by a message of the node itself. */
export const LOSS_RATE: RateLimitOptions = { perSecond: 1, burst: MAX_LOST, maxKeys: MAX_KNOWN };
export const ALL_LOSSES_RATE: RateLimitOptions = { perSecond: 50, burst: 1024 };

/** A neighbour is asked for everybody it knows this often; others that are met meanwhile only for themselves. */
export const ASK_ALL_EVERY_MS = MINUTE_MS;
export const ASK_MISSING_MS = 500;
/** Neighbours that are asked for an ad that we lack, one after the other. */
export const MAX_ASKED = 3;
