import { z } from 'zod';
import { hostInfoSchema, hostStatusSchema, memberSchema, peerSchema, stageSchema, standingSchema } from '../../../src-preload/bridge/index.ts';

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
