export { providerErrors } from './errors.ts';
export { ANNOUNCE_TTL_MS, ANSWER_TIMEOUT_MS as PROVIDERS_ANSWER_TIMEOUT_MS, FOUND_TTL_MS, MAX_QUESTION_CIDS, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL, PROVIDERS_TOPIC, QUESTION_RATE as PROVIDERS_QUESTION_RATE, SWEEP_MS as PROVIDERS_SWEEP_MS } from './options.ts';
export { decodeAnnouncement, encodeAnnouncement, pagesOf, type AnnouncedModel, type Announcement } from './announcement.ts';
export { createAnnouncementGuard, type AnnouncementGuard } from './guard.ts';
export { HoldingsReader, type Holdings } from './holdings.ts';
export { Announcer, type AnnouncerInit, type AnnouncerTimes } from './announcer.ts';
export { RecordKeeper, type RecordPort } from './record-keeper.ts';
export { answerForProviders, askForProviders, type ToldProvider } from './question.ts';
