import { z } from 'zod';
import { chatFinishSchema, layersSchema, ownershipSchema, stageSchema } from './dto.ts';
import { wireErrorSchema } from './errors.ts';
import { count, id, label, measuredWide as measured, time } from './primitives.ts';

export const PIPELINE_LIMITS = { minSpanMs: 60_000, maxSpanMs: 3_600_000, samples: 2_000, listed: 100, answers: 1_000, peers: 64 } as const;

/** What was measured in the `spanMs` before `atMs`; what was not is absent. */
export const pipelineSampleSchema = z.object({
  atMs: time,
  spanMs: z.number().min(0).max(PIPELINE_LIMITS.maxSpanMs),
  /** Of all answers together. */
  tokensPerSecond: measured.exactOptional(),
  /** Mean of the answers that ended; absent where none did. */
  ttftMs: measured.exactOptional(),
  /** Payload of this node's connections. */
  sentBytesPerSecond: measured.exactOptional(),
  receivedBytesPerSecond: measured.exactOptional(),
  /** Hidden states and tokens between stages: what each answer took in all, spread evenly over the time that it took. */
  stageBytesPerSecond: measured.exactOptional(),
  /** Resident memory of this process, and of its node processes. */
  hostBytes: measured.exactOptional(),
  stagesBytes: measured.exactOptional(),
});
export type PipelineSample = z.infer<typeof pipelineSampleSchema>;

export const samplesInputSchema = z.strictObject({ spanMs: z.number().int().min(PIPELINE_LIMITS.minSpanMs).max(PIPELINE_LIMITS.maxSpanMs) });
/** Each sample stands for `stepMs` at most; where nothing was measured there is none. */
export const samplesSchema = z.object({ stepMs: z.number().min(1), samples: z.array(pipelineSampleSchema).max(PIPELINE_LIMITS.samples).readonly() });

const answerFinishSchema = z.enum([...chatFinishSchema.shape.finishReason.options, 'failed']);
export type AnswerFinish = z.infer<typeof answerFinishSchema>;

/** An answer that is over; nothing of its text. */
export const answerEntrySchema = z.object({
  id: count,
  endedAt: time,
  model: label,
  tokens: count,
  finishReason: answerFinishSchema,
  /** Why it failed. */
  errorCode: z.string().max(100).exactOptional(),
  ttftMs: measured.exactOptional(),
  tokensPerSecond: measured.exactOptional(),
  stages: count,
  machines: count,
  failovers: count,
  /** By all losses together. */
  pausedMs: measured.exactOptional(),
});
export type AnswerEntry = z.infer<typeof answerEntrySchema>;

export const answerStageSchema = z.object({
  peerId: id, ownership: ownershipSchema, layers: layersSchema, backend: stageSchema.shape.backend, bytesLoaded: count,
  /** Per answer token: inside the model, waiting for the engine, to the next stage. */
  msPerToken: measured.exactOptional(), waitMsPerToken: measured.exactOptional(), wireMsPerToken: measured.exactOptional(),
  /** All of the prompt. */
  prefillMs: measured.exactOptional(),
  /** To the next stage. */
  bytesOut: count.exactOptional(),
});
export type AnswerStage = z.infer<typeof answerStageSchema>;

const takenBySchema = z.object({ peerId: id, layers: layersSchema });
export const lossSchema = z.object({
  peerId: id.exactOptional(), layers: layersSchema.exactOptional(), code: z.string().max(100), message: label,
  /** Of the answer, before. */
  afterTokens: count,
  /** Absent where the answer did not go on. */
  pausedMs: measured.exactOptional(),
  takenBy: z.array(takenBySchema).max(64).readonly(),
});
export type StageLoss = z.infer<typeof lossSchema>;

export const answerDetailSchema = answerEntrySchema.extend({
  promptTokens: count, reusedTokens: count, replayedTokens: count,
  durationMs: measured, queuedMs: measured.exactOptional(),
  itlMs: z.object({ p50: measured, p99: measured }).exactOptional(),
  /** Those that it ended on. */
  route: z.array(answerStageSchema).max(1_000).readonly(),
  losses: z.array(lossSchema).max(64).readonly(),
});
export type AnswerDetail = z.infer<typeof answerDetailSchema>;

export const answerListSchema = z.object({ answers: z.array(answerEntrySchema).max(PIPELINE_LIMITS.listed).readonly(), total: count });

const expectedSchema = z.object({ ttftMs: measured, tokensPerSecond: measured });
const placedSchema = z.object({ peerId: id, layers: layersSchema });

/** How the model could be placed on the nodes that are known, against how it is placed. */
export const placementSchema = z.object({
  model: label,
  madeAt: time,
  /** Those that answered, and those that did not. */
  asked: z.array(id).max(PIPELINE_LIMITS.peers).readonly(),
  silent: z.array(id).max(PIPELINE_LIMITS.peers).readonly(),
  /** The stages that answer now; `predicted` is absent where the planner does not know them. */
  current: z.object({ stages: z.array(placedSchema).max(1_000).readonly(), predicted: expectedSchema.exactOptional() }),
  /** Medians of the last answers with this model. */
  measured: expectedSchema.extend({ answers: count }).exactOptional(),
  /** Absent where the planner finds none; `refusal` then says why. */
  plan: z.object({
    stages: z.array(placedSchema).max(1_000).readonly(), predicted: expectedSchema, isOptimal: z.boolean(), explanation: z.array(z.string().max(4_000)).max(256).readonly(),
    leftOut: z.array(z.object({ peerId: id, text: label })).max(256).readonly(),
  }).exactOptional(),
  refusal: wireErrorSchema.exactOptional(),
  /** How planned answers of this model turned out of late. */
  record: z.object({ answers: count, predicted: expectedSchema, measured: expectedSchema }).exactOptional(),
});
export type PlacementView = z.infer<typeof placementSchema>;
