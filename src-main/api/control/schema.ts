import { z } from 'zod';
import { CONTRIBUTE_LIMITS, hostInfoSchema, hostStatusSchema, memberSchema, peerSchema, stageSchema, standingSchema } from '../../../src-preload/bridge/index.ts';

const count = z.number().int().min(0);
const measured = z.number().min(0);
const percentiles = z.object({ p50: measured, p99: measured });

const answerSchema = z.object({
  /** False: it waits for a place on the stages. */
  isPlaced: z.boolean(),
  tokens: count,
  ttftMs: measured.optional(),
  tokensPerSecond: measured.optional(),
  itlMs: percentiles.optional(),
});

const finishedSchema = z.object({
  promptTokens: count, reusedTokens: count, replayedTokens: count, generatedTokens: count, failovers: count,
  queuedMs: measured.optional(), ttftMs: measured.optional(), itlMs: percentiles.optional(), tokensPerSecond: measured.optional(),
  stages: z.array(z.object({
    msPerToken: measured.optional(), waitMsPerToken: measured.optional(), prefillMs: measured, prefillWaitMs: measured, rows: count,
    flow: z.object({ batchFill: measured.optional(), bytesOut: count, mostWaiting: count }).optional(),
  }).nullable()).max(1_000),
  boundaries: z.array(z.object({ from: count, to: count, wireMs: measured, serialiseMs: measured, rttMs: measured.optional(), bytes: count.optional() })).max(1_000),
  speculation: z.object({ drafted: count, accepted: count, dropped: count }).optional(),
});

/** What goes on in the pipeline of a host; figures that were not measured are absent. */
export const loadSchema = z.object({
  answers: z.array(answerSchema).max(10_000),
  /** Answers that wait for a place on the stages. */
  waiting: count,
  /** The last answer that ended. */
  last: finishedSchema.optional(),
});
export type PipelineLoad = z.infer<typeof loadSchema>;

/** What a running host tells the `omninode` commands of its owner. */
export const runningHostSchema = z.object({
  pid: count,
  mode: hostInfoSchema.shape.mode,
  status: hostStatusSchema,
  model: hostInfoSchema.shape.model,
  /** Where its node listens; absent from hosts that do not say. */
  addresses: hostInfoSchema.shape.addresses.optional(),
  stages: z.array(stageSchema).max(1_000),
  load: loadSchema.optional(),
});
export type RunningHost = z.infer<typeof runningHostSchema>;

const address = z.string().max(500);
const troubleSchema = z.object({
  code: z.string().max(100), message: z.string().max(4_000), next: z.string().max(4_000).optional(),
  /** Of a dial. */
  reason: z.string().max(100).optional(),
});
export type Trouble = z.infer<typeof troubleSchema>;

/** A member that a node knows: one that its owner named, or of its address book. */
const knownMemberSchema = z.object({
  peerId: peerSchema.shape.peerId, name: z.string().max(100).optional(), addresses: z.array(address).max(64), isNamed: z.boolean(), isConnected: z.boolean(),
  /** Unix ms: when it was connected last. */
  seenAt: measured.optional(),
  /** Since when it is tried in vain, and why; absent for one that was not tried. */
  missed: z.object({ since: measured, trouble: troubleSchema }).optional(),
});
export type KnownMember = z.infer<typeof knownMemberSchema>;

/** What a running node knows of its part in the mesh, for `omninode net doctor`. */
export const netNowSchema = z.object({
  peerId: peerSchema.shape.peerId,
  pid: count,
  /** Why the node does not run though its app does. */
  trouble: troubleSchema.optional(),
  addresses: z.array(address).max(64),
  standing: standingSchema,
  relays: z.array(z.object({ address, isHeld: z.boolean(), trouble: troubleSchema.optional() })).max(64),
  members: z.array(knownMemberSchema).max(1_000),
  /** How others' clocks stand to this one's; `isTaken` false: so far from it that they are not seen. */
  clocks: z.array(z.object({ peerId: peerSchema.shape.peerId, aheadMs: z.number(), isTaken: z.boolean() })).max(10_000),
});
export type NetNow = z.infer<typeof netNowSchema>;

/** What an owner's command may change. */
export const contributeOrderSchema = z.discriminatedUnion('order', [
  z.strictObject({ order: z.enum(['on', 'off', 'resume']) }),
  z.strictObject({ order: z.literal('pause'), ms: z.number().int().min(1_000).max(CONTRIBUTE_LIMITS.maxPauseMs) }),
]);
export type ContributeOrder = z.infer<typeof contributeOrderSchema>;

const peerRowSchema = z.object({
  peerId: peerSchema.shape.peerId,
  /** Absent: known through others. */
  link: peerSchema.optional(),
  /** Absent: it tells nothing of itself. */
  member: memberSchema.optional(),
  /** Of this host's pipeline. */
  stages: z.array(stageSchema.pick({ layers: true, ownership: true, state: true })).max(1_000).optional(),
});
export type PeerRow = z.infer<typeof peerRowSchema>;

/** Who is there, as a running host tells it. */
export const peersNowSchema = z.object({ self: memberSchema.optional(), standing: standingSchema.optional(), peers: z.array(peerRowSchema).max(10_000) });
export type PeersNow = z.infer<typeof peersNowSchema>;
