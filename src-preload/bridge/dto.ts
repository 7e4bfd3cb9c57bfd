import { z } from 'zod';
import { readingSchema } from './attachment.ts';
import { unitsSchema } from './economy.ts';
import { wireErrorSchema } from './errors.ts';
import { count, id, label, measured } from './primitives.ts';

/** First and last layer, both included. */
export const layersSchema = z.tuple([count, count]).readonly();

/** Where programs of this machine reach the API of a node that shows its page in a window of its own. */
export const localApiSchema = z.discriminatedUnion('kind', [
  /** `url` is what clients of OpenAI's API call the base URL. */
  z.object({ kind: z.literal('serving'), url: label }),
  z.object({ kind: z.literal('failed'), error: wireErrorSchema }),
]);
export type LocalApi = z.infer<typeof localApiSchema>;

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
  /** Absent in a browser: there it is where the page is. */
  localApi: localApiSchema.exactOptional(),
});
export type HostInfo = z.infer<typeof hostInfoSchema>;

/** What loading a model over other machines is at. */
export const loadingStepSchema = z.discriminatedUnion('kind', [
  /** For machines that compute for others. */
  z.object({ kind: z.literal('looking') }),
  z.object({ kind: z.literal('planning'), machines: count }),
  /** A machine brings layers that it lacks; `progress` is 0..1. */
  /** Its owner decides whether the machines are paid: `most` is put aside for a session. */
  z.object({ kind: z.literal('paying'), machines: count, most: unitsSchema }),
  z.object({ kind: z.literal('fetching'), peerId: id, layers: layersSchema, progress: z.number().min(0).max(1) }),
  z.object({ kind: z.literal('opening'), peerId: id, layers: layersSchema }),
]);
export type LoadingStep = z.infer<typeof loadingStepSchema>;

export const hostStatusSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('starting') }),
  /** `progress` is 0..1; absent when it cannot be told. */
  z.object({ kind: z.literal('loading'), model: label, progress: z.number().min(0).max(1).exactOptional(), step: loadingStepSchema.exactOptional() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('error'), code: label, message: z.string().max(4_000), next: z.string().max(4_000).exactOptional(), meta: z.record(z.string(), z.unknown()).exactOptional() }),
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
  /** Of the answer that ended last, per token: inside the model, waiting for the engine, on the way to the next stage (mean over the ring). Absent until measured. */
  msPerToken: measured.exactOptional(),
  waitMsPerToken: measured.exactOptional(),
  wireMsPerToken: measured.exactOptional(),
  /** Most rows, of all answers, that one of its passes left waiting. */
  mostWaiting: count.exactOptional(),
});
export type Stage = z.infer<typeof stageSchema>;

/** The pipeline as a whole; figures are those of the answer that ended last, and absent until measured. */
export const activitySchema = z.object({
  /** Answers that have a place on the stages. */
  answering: count,
  /** Answers that wait for one. */
  waiting: count,
  /** Since the pipeline was opened; absent on hosts that do not count. */
  tokens: count.exactOptional(),
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
  /** Share of datagrams that the way there loses; absent where that cannot be told. */
  loss: z.number().min(0).max(1).exactOptional(),
  /** What the link carries: as probed, or, `at least`, as seen or as far as a probe tells. */
  throughput: z.object({ bytesPerSecond: measured, kind: z.enum(['measured', 'at least']) }).exactOptional(),
  /** Payload with that peer since it is connected. */
  sentBytes: measured.exactOptional(),
  receivedBytes: measured.exactOptional(),
  agent: label.exactOptional(),
});
export type Peer = z.infer<typeof peerSchema>;

export const CHAT_LIMITS = { maxMessages: 400, maxMessageChars: 32_000, maxTokens: 32_768 } as const;

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

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
  /** Passages of long attachments are chosen. */
  z.object({ kind: z.literal('reading') }),
  z.object({ kind: z.literal('answering') }),
]);
export type ChatProgress = z.infer<typeof chatProgressSchema>;

/** How an answer ended; figures that were not measured are absent. */
export const chatFinishSchema = z.object({
  finishReason: z.enum(['stop', 'length', 'context', 'cancelled']),
  tokens: count.exactOptional(),
  ttftMs: measured.exactOptional(),
  tokensPerSecond: measured.exactOptional(),
  /** Which model answered; absent in answers from before it was kept. */
  model: label.exactOptional(),
  stages: z.array(z.object({ peerId: id, layers: layersSchema, bytesLoaded: count, msPerToken: measured })).max(1_000).readonly(),
  /** What the paid session that it belongs to had cost when this answer ended, 1e-18 SUM. */
  paid: z.object({ soFar: unitsSchema }).exactOptional(),
  /** Of attachments that were not read whole. */
  readings: z.array(readingSchema).max(100).readonly().exactOptional(),
});
export type ChatFinish = z.infer<typeof chatFinishSchema>;
