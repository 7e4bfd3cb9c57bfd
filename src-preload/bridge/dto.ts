import { z } from 'zod';

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const measured = z.number().min(0).max(1e9);
const id = z.string().min(1).max(128);
const label = z.string().max(500);

/** First and last layer, both included. */
export const layersSchema = z.tuple([count, count]).readonly();

export const hostInfoSchema = z.object({
  name: label,
  version: label,
  /** `process.platform` and `process.arch`, e.g. `linux x64`. */
  platform: label,
  node: label,
  mode: z.enum(['electron', 'headless']),
  /** A name for the data folder that is safe to show, e.g. `~/.omninode`. */
  dataDirLabel: label,
  model: z.object({ name: label, layers: count, sizeBytes: count, contextTokens: count }).exactOptional(),
  /** Absent until the mesh has started. */
  peerId: id.exactOptional(),
  addresses: z.array(label).max(64).readonly(),
});
export type HostInfo = z.infer<typeof hostInfoSchema>;

export const hostStatusSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('starting') }),
  /** `progress` is 0..1; absent when it cannot be told. */
  z.object({ kind: z.literal('loading'), model: label, progress: z.number().min(0).max(1).exactOptional() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('error'), code: label, message: z.string().max(4_000), next: z.string().max(4_000).exactOptional() }),
]);
export type HostStatus = z.infer<typeof hostStatusSchema>;

/** Whose machine computes a stage: this one, another of the same owner, or somebody else's. */
export const ownershipSchema = z.enum(['this-machine', 'own', 'stranger']);
export type Ownership = z.infer<typeof ownershipSchema>;

export const stageSchema = z.object({
  peerId: id,
  ownership: ownershipSchema,
  layers: layersSchema,
  bytesLoaded: count,
  backend: z.enum(['cpu', 'metal', 'cuda', 'vulkan']),
  state: z.enum(['loading', 'ready', 'busy', 'lost']),
  /** Absent until measured. */
  msPerToken: measured.exactOptional(),
});
export type Stage = z.infer<typeof stageSchema>;

/** The pipeline as a whole; figures are those of the answer that ended last, and absent until measured. */
export const activitySchema = z.object({
  /** Answers that have a place on the stages. */
  answering: count,
  /** Answers that wait for one. */
  waiting: count,
  ttftMs: measured.exactOptional(),
  /** From one token to the next where they are sampled: half of them came within `p50`. */
  itlMs: z.object({ p50: measured, p99: measured }).exactOptional(),
});
export type PipelineActivity = z.infer<typeof activitySchema>;

export const peerSchema = z.object({
  peerId: id,
  address: label,
  direction: z.enum(['inbound', 'outbound']),
  transport: label,
  /** Through a third peer, or not. */
  route: z.enum(['direct', 'relayed']),
  /** Why this connection is taken, of all to the peer. */
  why: label,
  /** Smoothed; the least of late; how much one differs from the next. */
  rttMs: measured.exactOptional(),
  minRttMs: measured.exactOptional(),
  jitterMs: measured.exactOptional(),
  /** What the link carries: as probed, or, `at least`, as seen or as far as a probe tells. */
  throughput: z.object({ bytesPerSecond: measured, kind: z.enum(['measured', 'at least']) }).exactOptional(),
  /** Payload with that peer since it is connected. */
  sentBytes: measured.exactOptional(),
  receivedBytes: measured.exactOptional(),
  agent: label.exactOptional(),
});
export type Peer = z.infer<typeof peerSchema>;

export const CHAT_LIMITS = { maxMessages: 400, maxMessageChars: 32_000, maxTotalChars: 200_000, maxTokens: 32_768 } as const;

export const chatMessageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string().max(CHAT_LIMITS.maxMessageChars),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** What is left out is the host's default for the model. */
export const chatOptionsSchema = z.strictObject({
  maxTokens: z.number().int().min(1).max(CHAT_LIMITS.maxTokens).exactOptional(),
  temperature: z.number().min(0).max(5).exactOptional(),
  topK: z.number().int().min(0).max(1_000_000).exactOptional(),
  topP: z.number().min(0).max(1).exactOptional(),
  minP: z.number().min(0).max(1).exactOptional(),
  repetitionPenalty: z.number().min(0).max(10).exactOptional(),
  seed: z.number().int().min(0).max(0xffff_ffff).exactOptional(),
});
export type ChatOptions = z.infer<typeof chatOptionsSchema>;

export const requestIdSchema = id;
export const conversationIdSchema = id;

/** Why no text comes at the moment. */
export const chatProgressSchema = z.discriminatedUnion('kind', [
  /** All places are taken; `ahead` answers come before this one. */
  z.object({ kind: z.literal('waiting'), ahead: count }),
  /** A node was lost; others take its place. */
  z.object({ kind: z.literal('recovering') }),
  z.object({ kind: z.literal('answering') }),
]);
export type ChatProgress = z.infer<typeof chatProgressSchema>;

/** How an answer ended; figures that were not measured are absent. */
export const chatFinishSchema = z.object({
  finishReason: z.enum(['stop', 'length', 'context', 'cancelled']),
  tokens: count,
  ttftMs: measured.exactOptional(),
  tokensPerSecond: measured.exactOptional(),
  stages: z.array(z.object({ peerId: id, layers: layersSchema, bytesLoaded: count, msPerToken: measured })).max(1_000).readonly(),
});
export type ChatFinish = z.infer<typeof chatFinishSchema>;
