import { z } from 'zod';
import { address, id, time } from './primitives.ts';

const unixMs = time.int();
const zone = z.enum(['local', 'private', 'public']);
const DAY_MS = 86_400_000;

export const INVITE_LIMITS = { minTtlMs: 60_000, maxTtlMs: 30 * DAY_MS, defaultTtlMs: DAY_MS, maxLinkChars: 4096 } as const;

export const ttlSchema = z.number().int().min(INVITE_LIMITS.minTtlMs).max(INVITE_LIMITS.maxTtlMs);
export const linkSchema = z.string().min(1).max(INVITE_LIMITS.maxLinkChars);

/** A link with which another machine joins. It may hold the key of a private zone: a client shows it, and keeps it nowhere. */
export const invitationSchema = z.object({
  link: linkSchema,
  /** As a QR code: rows of `1` (dark) and `0`. */
  qr: z.array(z.string().regex(/^[01]+$/).max(256)).min(1).max(256).readonly(),
  zone,
  hasKey: z.boolean(),
  expiresAtMs: unixMs,
  addresses: z.array(address).max(16).readonly(),
  /** From where it can be used; absent for a name. */
  reach: z.enum(['machine', 'private', 'public']).exactOptional(),
});
export type Invitation = z.infer<typeof invitationSchema>;

/** What a link says, and what joining by it changes on the host; without its secrets. */
export const joinPlanSchema = z.object({
  inviter: id,
  zone,
  /** Of a private zone with a key: tells it from others, and nothing of the key. */
  zoneName: z.string().max(64).exactOptional(),
  expiresAtMs: unixMs,
  addresses: z.array(address).max(16).readonly(),
  /** In words; empty when this host is a member already. */
  steps: z.array(z.string().max(1_000)).max(16).readonly(),
  /** The host has to be started again to be in that zone. */
  needsRestart: z.boolean(),
});
export type JoinPlan = z.infer<typeof joinPlanSchema>;
