import { z } from 'zod';
import { address, id, smallCount as count, time } from './primitives.ts';

const DAY_MS = 86_400_000;

export const NETWORK_LIMITS = { known: 2_000, addresses: 32, blocked: 1_000, reasonChars: 200, targetChars: 600, findings: 64, maxBlockMs: 3_650 * DAY_MS } as const;

/** Of a node what is known first-hand, and by nobody's word. What is not known is absent. */
export const knownSchema = z.object({
  peerId: id,
  /** The owner named it in the configuration, or joined by its invitation. */
  isNamed: z.boolean(),
  isConnected: z.boolean(),
  /** When it was connected last. */
  seenAt: time.exactOptional(),
  /** Tries in a row that reached it nowhere. */
  failures: count.exactOptional(),
  /** Faults of late: what no honest node does, each forgiven after a while. Only of one that is connected. */
  faults: z.number().min(0).max(1e6).exactOptional(),
  /** How it is listened to on the topics: below 0 less, below -80 not at all. Only of one that is connected. */
  topicScore: z.number().min(-1e9).max(1e9).exactOptional(),
});
export type Known = z.infer<typeof knownSchema>;

/** `dialled`: we connected there. `vouched`: it says so and came from there. `said`: it says so. `named`: the owner says so. */
export const knownAddressSchema = z.object({ address, proof: z.enum(['dialled', 'vouched', 'said', 'named']), failures: count });
export type KnownAddress = z.infer<typeof knownAddressSchema>;
/** Windows of up to 32 rows of this node's answers that a peer computed, since it was first counted. */
export const receiptCountsSchema = z.object({
  /** It should have signed so many, and did. */
  due: z.number().int().min(0), signed: z.number().int().min(0),
  /** Computed again here, and not what it signed. */
  checked: z.number().int().min(0), failed: z.number().int().min(0),
});
export const aboutPeerSchema = z.object({ known: knownSchema.exactOptional(), receipts: receiptCountsSchema.exactOptional(), addresses: z.array(knownAddressSchema).max(NETWORK_LIMITS.addresses).readonly() });
export type AboutPeer = z.infer<typeof aboutPeerSchema>;

/** A peer or an IP address that this node refuses. */
export const blockedSchema = z.object({
  subject: id,
  reason: z.string().max(NETWORK_LIMITS.reasonChars),
  sinceMs: time,
  /** Null: until it is lifted. */
  untilMs: time.nullable(),
});
export type Blocked = z.infer<typeof blockedSchema>;

/** `fail` is what keeps nodes apart; `unknown` was not looked at, and says so. */
export const netFindingSchema = z.object({ name: z.string().min(1).max(40), verdict: z.enum(['ok', 'hint', 'fail', 'unknown']), detail: z.string().max(4_000), next: z.string().max(4_000).exactOptional() });
export type NetFinding = z.infer<typeof netFindingSchema>;

/** A check under way or ended, `revision` growing with each change. */
export const netCheckSchema = z.object({
  revision: count,
  /** What is looked at now, in words; absent once it is over. */
  doing: z.string().max(500).exactOptional(),
  /** Called off: what was found until then stands. */
  isCancelled: z.boolean(),
  findings: z.array(netFindingSchema).max(NETWORK_LIMITS.findings).readonly(),
});
export type NetCheck = z.infer<typeof netCheckSchema>;
