import { z } from 'zod';
import { layersSchema } from './dto.ts';
import { unitsSchema } from './economy.ts';
import { count, filledLabel as label, id, time } from './primitives.ts';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

export const CONTRIBUTE_LIMITS = { pauseMs: 3_600_000, maxPauseMs: 7 * 86_400_000, schedules: 14, shown: 64, maxNameChars: 100 } as const;

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** Hours of weekdays, local time; an end that is not after its begin is on the next day. */
export const hoursSchema = z.strictObject({ days: z.array(z.enum(WEEKDAYS)).min(1).max(7).readonly(), from: clockTime, to: clockTime });
export type Hours = z.infer<typeof hoursSchema>;

/** What the owner gives at most, and when. Null: no limit. */
export const contributeLimitsSchema = z.strictObject({
  /** For layers of others, with their caches. */
  memoryBytes: count.nullable(),
  /** CPU threads. */
  threads: z.number().int().min(1).max(512).nullable(),
  /** Layers on the GPU: 0 none, -1 as many as fit; null: as for own answers. */
  gpuLayers: z.number().int().min(-1).max(10_000).nullable(),
  /** Whether files of models are given to others, and how fast at most. Hidden states of answers are not counted: they are small. */
  shareStore: z.boolean(),
  uploadBytesPerSecond: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable(),
  onlyOnPower: z.boolean(),
  /** Only when nobody touched the machine for so long. */
  afterIdleMs: z.number().int().min(10_000).max(86_400_000).nullable(),
  /** Not while other programs use more than this share of all processors. */
  maxLoad: z.number().min(0.05).max(1).nullable(),
  /** Empty: at any time. */
  schedule: z.array(hoursSchema).max(CONTRIBUTE_LIMITS.schedules).readonly(),
});
export type ContributeLimits = z.infer<typeof contributeLimitsSchema>;

/** Out of the stages' own counters. */
const figuresSchema = z.object({
  since: time,
  /** Tokens of prompts and answers that went through layers here, and the same counted once for each layer. */
  tokens: count, layerTokens: count,
  sessions: count,
  /** With at least one session open. */
  servedMs: count,
});
export type ContributeFigures = z.infer<typeof figuresSchema>;

const forWhom = {
  peerId: id,
  /** As its owner calls it. */
  name: z.string().min(1).max(100).exactOptional(),
  model: label, layers: layersSchema,
};
const servedSchema = z.object({ session: id, ...forWhom, since: time, tokens: count });
export type Served = z.infer<typeof servedSchema>;

export const holdReasonSchema = z.enum(['paused', 'schedule', 'battery', 'in-use', 'busy', 'hot']);
export type HoldReason = z.infer<typeof holdReasonSchema>;

/** What this node gives to others: whether, to whom, how much it was. */
export const contributionSchema = z.object({
  isOn: z.boolean(),
  /** Why it serves nobody now though it is on, and until when where that is known. Answers under way may still end. */
  hold: z.object({ reason: holdReasonSchema, until: time.exactOptional() }).exactOptional(),
  serving: z.array(servedSchema).max(CONTRIBUTE_LIMITS.shown).readonly(),
  /** Whose session ended last; absent before the first one since the node started. */
  lastServed: z.object({ ...forWhom, at: time }).exactOptional(),
  /** Sessions in all, also those that are not listed. */
  sessions: count,
  /** In memory for others now. */
  loaded: z.array(z.object({ model: label, layers: layersSchema, bytes: count })).max(CONTRIBUTE_LIMITS.shown).readonly(),
  /** Layers on this disk that others may ask for. */
  offers: z.array(z.object({ model: label, totalLayers: count, layers: z.array(layersSchema).max(64).readonly() })).max(CONTRIBUTE_LIMITS.shown).readonly(),
  total: figuresSchema,
  sinceStart: figuresSchema,
  limits: contributeLimitsSchema,
  /** What of the machine the limits can go by. */
  machine: z.object({ ramTotalBytes: count.exactOptional(), cores: count, knows: z.object({ battery: z.boolean(), idle: z.boolean(), load: z.boolean(), heat: z.boolean() }) }),
  /** From where others can ask at all, as this node listens and its zone allows. */
  reach: z.enum(['machine', 'local', 'private', 'public']),
  /** 1e-18 SUM that strangers pay for 1,000 tokens of one layer; absent: they are served for nothing. */
  priceUnits: unitsSchema.exactOptional(),
});
export type Contribution = z.infer<typeof contributionSchema>;
