import { z } from 'zod';
import { grammarSchema } from '../engine/grammar.ts';
import type { LaneEvent, LaneStats, LaneSteps } from '../engine/lane.ts';
import type { ForwardItem, ForwardResult, OpenOptions, SamplingOptions, StageInfo, StageLoadOptions, TakeOptions, TappedWindow } from '../engine/types.ts';

/** What the host and an inference process say over the IPC channel (structured clone: typed arrays travel as they are). */

const count = z.number().int().min(0);

export const samplingSchema = z.strictObject({
  temperature: z.number().min(0), topK: count, topP: z.number(), minP: z.number(), repetitionPenalty: z.number().positive(),
  penaltyWindow: count, seed: count.max(0xffff_ffff), topLogprobs: count,
}) satisfies z.ZodType<SamplingOptions>;

export const loadSchema = z.strictObject({
  path: z.string().min(1), layers: z.strictObject({ first: count, last: count }), isFirst: z.boolean(), isLast: z.boolean(),
  contextTokens: count.min(1), maxSessions: count.min(1), batchTokens: count.min(1), threads: count.min(1), pinThreads: z.boolean().exactOptional(), gpuLayers: z.number().int().min(-1),
}) satisfies z.ZodType<StageLoadOptions>;

const dtype = z.enum(['f32', 'f16', 'q8']);
const shape = z.strictObject({ grammar: grammarSchema, spelling: z.custom<Uint8Array>((value) => value instanceof Uint8Array) });
export const openSchema = z.strictObject({ sampling: samplingSchema, record: dtype.exactOptional(), shape: shape.exactOptional() });
export const takeSchema = z.strictObject({ session: z.number().int(), end: count, most: count }) satisfies z.ZodType<TakeOptions>;
/** Shapes only: that lengths, rows, positions and tokens fit is the addon's to check. */
export const forwardSchema = z.array(z.strictObject({
  session: z.number().int(), position: count,
  input: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('tokens'), tokens: z.instanceof(Int32Array) }),
    z.strictObject({ kind: z.literal('hidden'), dtype, rows: count, data: z.instanceof(Uint8Array) }),
  ]),
  want: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('hidden'), dtype }), z.strictObject({ kind: z.literal('sample') }), z.strictObject({ kind: z.literal('none') })]),
})) satisfies z.ZodType<readonly ForwardItem[]>;

const slot = z.number().int().min(0);
const run = count.max(0xffff_ffff);
const position = z.number().int();
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const ticket = { id: bytes, key: bytes };
/** A call on the stage's lane. Sizes and ranges are the addon's to check. */
export const laneCallSchema = z.discriminatedUnion('call', [
  z.strictObject({ call: z.literal('open'), host: z.string().max(64) }),
  z.strictObject({ call: z.literal('expect'), session: slot, ...ticket }),
  z.strictObject({ call: z.literal('connect'), session: slot, host: z.string().max(64), port: count, ...ticket }),
  z.strictObject({ call: z.literal('begin'), session: slot, run, takes: dtype, sends: dtype }),
  z.strictObject({ call: z.literal('speculate'), session: slot, how: z.enum(['adaptive', 'always']) }),
  z.strictObject({ call: z.literal('feed'), session: slot, run, left: position, limit: position, endTokens: z.array(position), guess: z.array(position) }),
  z.strictObject({ call: z.literal('token'), session: slot, run, token: position, position }),
  z.strictObject({ call: z.literal('limit'), session: slot, run, limit: position }),
  z.strictObject({ call: z.literal('stop'), session: slot, run }),
  z.strictObject({ call: z.literal('stats'), session: slot }),
  z.strictObject({ call: z.literal('steps'), session: slot }),
  z.strictObject({ call: z.literal('busy') }),
  z.strictObject({ call: z.literal('leave'), session: slot }),
]);
export type LaneCall = z.infer<typeof laneCallSchema>;

/** What a call gives: `open` a port, `stats` and `steps` figures, `busy` µs, the others nothing. */
export type LaneAnswer = number | LaneStats | LaneSteps | null;

const step = { session: slot, run, position, computeUs: count, serialiseUs: count, waitUs: count };
const logprob = { token: position, logprob: z.union([z.number(), z.nan()]) };
/** Sent by the worker on its own. */
export const laneMessageSchema = z.strictObject({
  lane: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('up'), session: slot }),
    z.object({ kind: z.literal('lost'), session: slot, side: z.enum(['own', 'previous', 'next']), wasUp: z.boolean(), detail: z.string() }),
    z.object({ kind: z.literal('token'), ...step, ...logprob, top: z.array(z.object(logprob)), passedOn: z.boolean(), atUs: z.number() }),
    z.object({ kind: z.literal('hidden'), ...step, data: z.instanceof(Uint8Array) }),
  ]),
}) satisfies z.ZodType<{ readonly lane: LaneEvent }>;

export const initSchema = z.strictObject({ addonPath: z.string().min(1), librariesFolder: z.string().min(1) });
export type WorkerInit = z.infer<typeof initSchema>;

export interface Device {
  readonly name: string;
  readonly description: string;
  readonly isGpu: boolean;
  readonly memoryFreeBytes: number;
  readonly memoryTotalBytes: number;
}

export interface VocabularyInfo {
  readonly vocabSize: number;
  readonly endTokens: readonly number[];
}

/** Each operation of a worker: what goes in and what comes back. */
export interface Operations {
  init: { in: WorkerInit; out: readonly Device[] };
  load: { in: StageLoadOptions; out: StageInfo };
  open: { in: OpenOptions & { readonly sampling: SamplingOptions }; out: number };
  forward: { in: readonly ForwardItem[]; out: ForwardResult };
  rollback: { in: { readonly session: number; readonly position: number }; out: null };
  takeWindows: { in: TakeOptions & { readonly session: number }; out: readonly TappedWindow[] };
  close: { in: number; out: null };
  lane: { in: LaneCall; out: LaneAnswer };
  loadVocabulary: { in: string; out: VocabularyInfo };
  tokenize: { in: { readonly text: string; readonly addSpecial: boolean; readonly parseSpecial: boolean }; out: Int32Array };
  tokenBytes: { in: { readonly token: number; readonly special: boolean }; out: Uint8Array };
  spelling: { in: null; out: Uint8Array };
  applyChatTemplate: { in: { readonly messages: readonly { readonly role: string; readonly content: string }[]; readonly addAssistant: boolean }; out: string };
}
export type Operation = keyof Operations;

export interface Request<K extends Operation = Operation> {
  readonly id: number;
  readonly op: K;
  readonly input: Operations[K]['in'];
}

/** The envelope; inputs are checked per operation, where it costs nothing per row. */
export const requestSchema = z.strictObject({ id: count, op: z.string(), input: z.unknown() });

export const replySchema = z.union([
  z.strictObject({ id: count, ok: z.literal(true), value: z.unknown() }),
  z.strictObject({
    id: count, ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), next: z.string().exactOptional(), meta: z.record(z.string(), z.unknown()), retryable: z.boolean(), fault: z.enum(['peer', 'local', 'user']) }),
  }),
]);
