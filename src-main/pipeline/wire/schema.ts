/** Control messages: JSON payloads, each checked against its schema before use. */
import { z } from 'zod';
import { grammarSchema } from '../../inference/index.ts';
import { MAX_ADDRESSES, MAX_BATCH_TOKENS, MAX_CONTEXT_TOKENS, MAX_CONTROL_BYTES, MAX_END_TOKENS, MAX_FETCH_PATIENCE_MS, MAX_FETCH_SOURCES, MAX_HIDDEN_SIZE, MAX_LAYERS, MAX_MEASURED_LINKS, MAX_STAGES, MAX_TOP_LOGPROBS } from '../options.ts';
import { pipelineErrors } from '../errors.ts';
import { FrameType, TYPE_NAME } from './constants.ts';
import type { Frame } from './frame.ts';

const count = (max: number): z.ZodNumber => z.number().int().min(0).max(max);
const positive = (max: number): z.ZodNumber => z.number().int().min(1).max(max);
const text = (max: number): z.ZodString => z.string().max(max);
const bytes = count(Number.MAX_SAFE_INTEGER);
const micros = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

const layers = z.strictObject({ first: count(MAX_LAYERS - 1), last: count(MAX_LAYERS - 1) }).refine((range) => range.first <= range.last, 'first layer after last');
const peer = z.string().min(1).max(128);
const addresses = z.array(text(512)).max(MAX_ADDRESSES);
const neighbour = z.strictObject({ peer, addresses });
const modelHash = z.string().min(1).max(128);
const hexId = z.string().regex(/^[0-9a-f]{32}$/);
const token = z.number().int().min(-(2 ** 31)).max(2 ** 31 - 1);

export const helloSchema = z.strictObject({ protocol: z.literal(1), role: z.enum(['coordinator', 'stage']), agent: text(128), features: z.array(text(32)).max(32) });

const shard = z.strictObject({ layers, sizeBytes: bytes });
const offer = z.strictObject({
  modelHash, manifestCid: text(128).optional(), architecture: text(64), totalLayers: positive(MAX_LAYERS), hiddenSize: positive(MAX_HIDDEN_SIZE), shards: z.array(shard).max(MAX_LAYERS),
});
const speed = z.number().min(1).max(Number.MAX_SAFE_INTEGER);
const node = z.strictObject({
  backend: z.enum(['cpu', 'metal', 'cuda', 'vulkan']), freeBytes: bytes, decodeBytesPerSecond: speed, prefillBytesPerSecond: speed, isMeasured: z.boolean(),
  /** Only to coordinators that know it. */
  fetch: z.strictObject({ freeBytes: bytes, bytesPerSecond: speed, isMeasured: z.boolean() }).exactOptional(),
});
export const offersSchema = z.strictObject({ offers: z.array(offer).max(256), node });

export const loadSchema = z.strictObject({
  modelHash, layers, isFirst: z.boolean(), isLast: z.boolean(), contextTokens: positive(MAX_CONTEXT_TOKENS), batchTokens: positive(MAX_BATCH_TOKENS),
  /** Only to stages that know it: where they get what they lack of the layers. */
  fetch: z.strictObject({ manifestCid: z.string().min(1).max(128), sources: z.array(neighbour).max(MAX_FETCH_SOURCES), patienceMs: count(MAX_FETCH_PATIENCE_MS) }).exactOptional(),
});
export const progressSchema = z.strictObject({
  bytesDone: bytes, bytesTotal: bytes,
  /** Only to coordinators that know it: these are bytes that are fetched. */
  fetching: z.literal(true).exactOptional(),
});
export const loadedSchema = z.strictObject({
  architecture: text(64), layers, hiddenSize: positive(MAX_HIDDEN_SIZE), vocabSize: count(2 ** 31), contextTokens: positive(MAX_CONTEXT_TOKENS),
  weightBytes: bytes, kvBytes: bytes, backend: z.enum(['cpu', 'metal', 'cuda', 'vulkan']),
});

const sampling = z.strictObject({
  temperature: z.number().min(0).max(100), topK: count(2 ** 31), topP: z.number().min(0).max(1), minP: z.number().min(0).max(1),
  repetitionPenalty: z.number().min(0.01).max(100), penaltyWindow: count(MAX_CONTEXT_TOKENS), seed: z.number().int().min(0).max(0xffff_ffff), topLogprobs: count(MAX_TOP_LOGPROBS),
});
const dtype = z.enum(['f32', 'f16', 'q8']);
export const openSchema = z.strictObject({
  lease: hexId, stageCount: positive(MAX_STAGES), sampling,
  /** Of the hidden states that come in, and of those that go out unless `sends` says otherwise. */
  dtype,
  /** Only to stages that know it. */
  sends: dtype.exactOptional(),
  /** Where hidden states (on the last stage: tokens for stage 0) go; absent with one stage. */
  next: neighbour.optional(),
  /** Who may send this session's hidden states (on stage 0: tokens). */
  previous: peer.optional(),
  /** The coordinator will ask for receipts: only to stages that know it. */
  receipts: z.literal(true).exactOptional(),
  /** Rows in the lane may be drafts; only where every stage of the route knows it. */
  speculate: z.enum(['adaptive', 'always']).exactOptional(),
  /** What the answer must be: only to a last stage that knows it, after what its tokens spell. */
  grammar: grammarSchema.exactOptional(),
});

export const runSchema = z.strictObject({ endTokens: z.array(token).max(MAX_END_TOKENS), maxTokens: positive(MAX_CONTEXT_TOKENS), limit: count(2 * MAX_CONTEXT_TOKENS) });

const spent = z.strictObject({ frames: bytes, rows: bytes, computeUs: micros, serialiseUs: micros, waitUs: micros });
export const statsSchema = z.strictObject({
  prefill: spent, decode: spent,
  /** Measured on stage 0 only: whole ring times and, of those, what the other stages spent. */
  ring: z.strictObject({ count: bytes, totalUs: micros, insideUs: micros }),
  /** Only to coordinators that know it. */
  flow: z.strictObject({
    /** Passes of the engine with rows of this run, and the rows of all sessions in them. */
    passes: bytes, passRows: bytes,
    /** To the next stage, frames and lane records whole. */
    bytesOut: bytes,
    /** Most frames that were left waiting when one of these passes began. */
    mostWaiting: bytes,
  }).exactOptional(),
  /** As well: rows of drafts and drafts that came true (on stage 0), rows not computed for they did not (on the last). */
  speculation: z.strictObject({ drafted: bytes, accepted: bytes, dropped: bytes }).exactOptional(),
});

/** Where the stage that was asked takes this session's decode steps; the ticket is good for one connection. */
export const laneSchema = z.strictObject({ port: positive(65_535), id: hexId, key: z.string().regex(/^[0-9a-f]{64}$/) });

export const measureSchema = z.strictObject({ peers: z.array(neighbour).min(1).max(MAX_MEASURED_LINKS) });
export const linksSchema = z.strictObject({
  links: z.array(z.strictObject({
    peer, rttMs: z.number().min(0).max(60_000),
    /** Absent where the other side does not take part. */
    bytesPerSecond: z.number().min(1).max(1e12).exactOptional(),
    ageMs: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
  })).max(MAX_MEASURED_LINKS),
});

export const sliceSchema = z.strictObject({
  /** Sessions of other coordinators are open on the same layers. */
  others: z.boolean(),
  /** What a pass of a prompt should have at most where others wait; absent before one was measured. */
  rows: positive(MAX_BATCH_TOKENS).exactOptional(),
});

const meta = z.record(text(64), z.unknown());
export const errorSchema = z.strictObject({ code: text(64), message: text(1024), next: text(512).optional(), meta, retryable: z.boolean(), fault: z.enum(['peer', 'local', 'user']) });

export const SCHEMAS = {
  [FrameType.hello]: helloSchema, [FrameType.offers]: offersSchema, [FrameType.load]: loadSchema, [FrameType.progress]: progressSchema, [FrameType.loaded]: loadedSchema,
  [FrameType.open]: openSchema, [FrameType.run]: runSchema, [FrameType.stats]: statsSchema, [FrameType.error]: errorSchema, [FrameType.lane]: laneSchema,
  [FrameType.measure]: measureSchema, [FrameType.links]: linksSchema, [FrameType.slice]: sliceSchema,
} as const;
export type ControlType = keyof typeof SCHEMAS;
export type ControlMessage<T extends ControlType> = z.infer<(typeof SCHEMAS)[T]>;
export type StageStats = z.infer<typeof statsSchema>;
export type SpentStats = z.infer<typeof spent>;

/** @throws PIPELINE_BAD_MESSAGE (fault peer) */
export function readControl<T extends ControlType>(frame: Frame, type: T, from: string): ControlMessage<T> {
  const reject = (reason: string): Error => pipelineErrors.badMessage({ peer: from, type: TYPE_NAME[type] ?? 'unknown', reason });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength).toString('utf8'));
  } catch {
    throw reject('not JSON');
  }
  const checked = SCHEMAS[type].safeParse(value);
  if (!checked.success) throw reject(checked.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ').slice(0, 512));
  return checked.data as ControlMessage<T>;
}

export function controlBytes<T extends ControlType>(type: T, value: ControlMessage<T>): Uint8Array {
  const payload = Buffer.from(JSON.stringify(value));
  if (payload.length > MAX_CONTROL_BYTES) throw pipelineErrors.badOption({ option: TYPE_NAME[type] ?? 'message', reason: `${payload.length} bytes, at most ${MAX_CONTROL_BYTES} fit` });
  return payload;
}
