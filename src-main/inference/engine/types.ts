import type { LayerRange } from '../../base/index.ts';
import type { AnswerShape } from './grammar.ts';
import type { DecodeLane, LaneListener } from './lane.ts';

/**
 * Element type of hidden states in transit. F32 is exact, F16 halves the bytes, Q8 takes a quarter and costs some quality: blocks of 32
 * values with an F16 scale. Little-endian, row-major.
 */
export type ActivationDtype = 'f32' | 'f16' | 'q8';

/** Of what enters a stage and of what leaves it: its two boundaries need not have the same. */
export interface StageDtypes {
  readonly takes: ActivationDtype;
  readonly sends: ActivationDtype;
}

export type Backend = 'cpu' | 'metal' | 'cuda' | 'vulkan';

export interface StageLoadOptions {
  /** A GGUF that holds this stage's blocks renumbered from 0. */
  readonly path: string;
  /** The layers of the whole model that the file holds; for messages and events only. */
  readonly layers: LayerRange;
  /** True when the stage takes token ids: its file holds the embedding. */
  readonly isFirst: boolean;
  /** True when the stage samples: its file holds output norm and head. */
  readonly isLast: boolean;
  /** KV cache size per session, in tokens. */
  readonly contextTokens: number;
  /** Sessions that may be open at the same time, each with its own KV cache. */
  readonly maxSessions: number;
  /** Largest number of rows computed in one pass (prefill micro-batch). */
  readonly batchTokens: number;
  readonly threads: number;
  /** One processor per thread, when there are as many threads as processors: for stages that share a machine and take turns. */
  readonly pinThreads?: boolean;
  /** Layers to put on the GPU; -1 = all that the backend takes. */
  readonly gpuLayers: number;
}

export interface StageInfo {
  readonly architecture: string;
  readonly layers: LayerRange;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly contextTokens: number;
  /** Weight bytes that this stage maps or holds. */
  readonly weightBytes: number;
  readonly kvBytes: number;
  readonly backend: Backend;
}

export interface SamplingOptions {
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  /** How many of the last generated tokens the penalty looks at. */
  readonly penaltyWindow: number;
  /**
   * Sampling is stateless in time: the random number for absolute position p is
   * derived from (seed, p) alone, so that a replay after a failure, or a
   * speculative verification, draws the same token.
   */
  readonly seed: number;
  /** How many of the likeliest tokens to report with their log probability; 0 = none. */
  readonly topLogprobs: number;
}

export const GREEDY: SamplingOptions = {
  temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 64, seed: 0, topLogprobs: 0,
};

export type StageInput =
  | { readonly kind: 'tokens'; readonly tokens: Int32Array }
  /** `data` is rows x hiddenSize of `dtype`. */
  | { readonly kind: 'hidden'; readonly dtype: ActivationDtype; readonly rows: number; readonly data: Uint8Array };

export type StageWant =
  /** All rows leave as hidden states. Not on the last stage. */
  | { readonly kind: 'hidden'; readonly dtype: ActivationDtype }
  /** The last row is sampled. Last stage only. */
  | { readonly kind: 'sample' }
  /** Fill the KV cache only (a prefill micro-batch that is not the last, on the last stage). */
  | { readonly kind: 'none' };

export interface ForwardItem {
  readonly session: number;
  /** Absolute position of the first row; must equal the session's length so far. */
  readonly position: number;
  readonly input: StageInput;
  readonly want: StageWant;
}

export interface OpenOptions {
  /** Keeps what receipts need of every row (`takeWindows`); the dtype of hidden states in transit. Absent: costs nothing. */
  readonly record?: ActivationDtype | undefined;
  /**
   * Of the last stage: it samples only tokens that fit; a text begins with the first token sampled after `open`, `rollback` or rows that none was sampled
   * after. What fits depends on the tokens sampled since alone, so that a replay and drafts give the same tokens.
   */
  readonly shape?: AnswerShape | undefined;
}

/** Some rows as they travel, by their 128 entries of largest magnitude; of equal ones the earlier. */
export interface TappedRows {
  /** Absolute position of the first row. */
  readonly first: number;
  readonly count: number;
  /** Index in [count x hidden size] and bfloat16 bits of each entry, in turn; in no order. */
  readonly entries: Int32Array;
}

/** What a recording session keeps of up to 32 rows; windows end before multiples of 32, and where they are taken. */
export interface TappedWindow {
  readonly first: number;
  readonly count: number;
  /** Unix ms of this machine. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Of the rows; on the first stage alone. */
  readonly tokens?: Int32Array;
  /** After the window's last rows; on the last stage alone. */
  readonly sampled?: Int32Array;
  /** Absent on the first stage. */
  readonly input?: TappedRows;
  /** On the last stage of those last rows that were sampled from; absent when there are none. */
  readonly output?: TappedRows;
}

export interface TakeOptions {
  /** Rows from this position on do not count and are forgotten; 0 forgets all. */
  readonly end: number;
  /** Windows at most; the others stay for the next call. */
  readonly most: number;
}

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

export type StageOutput =
  | { readonly kind: 'hidden'; readonly dtype: ActivationDtype; readonly rows: number; readonly data: Uint8Array }
  | { readonly kind: 'sampled'; readonly token: number; readonly logprob: number; readonly top: readonly TokenLogprob[] }
  | { readonly kind: 'none' };

export interface ForwardResult {
  /** One per item, in order. */
  readonly outputs: readonly StageOutput[];
  /** Time inside llama.cpp for the whole batch. */
  readonly computeMs: number;
}

/**
 * One contiguous range of layers, ready to run. Async only: the fake, the
 * in-process and the child-process engine pass one compliance suite
 * (test/compliance/stage-engine.ts). Calls are executed in order of arrival.
 * Every failure is a CodedError with prefix ENGINE_.
 */
export interface StageEngine {
  readonly info: StageInfo;
  /** Opens a session slot (0 <= id < maxSessions, chosen by the engine). Throws ENGINE_SESSIONS_FULL, ENGINE_BAD_GRAMMAR. */
  open(sampling: SamplingOptions, options?: OpenOptions): Promise<number>;
  /** Runs a batch that may mix sessions (continuous batching). */
  forward(batch: readonly ForwardItem[]): Promise<ForwardResult>;
  /** Forgets every row at or after `position`, also in the penalty history. */
  rollback(session: number, position: number): Promise<void>;
  /** Ends the window under way and takes the oldest windows of the rows that stayed; none of a session that does not record. */
  takeWindows(session: number, options: TakeOptions): Promise<readonly TappedWindow[]>;
  close(session: number): Promise<void>;
  /** Frees the weights; idempotent. Calls in flight end with ENGINE_DISPOSED. */
  dispose(): Promise<void>;
  /** Resolves with the reason when the engine is gone without being asked (worker crash). */
  readonly lost: Promise<Error>;
  /**
   * A lane for this engine's decode steps, listening on a numeric address; ends with the engine.
   * Absent where the engine has none. Rejects with ENGINE_NO_LANE.
   */
  openLane?(bindHost: string, listener: LaneListener): Promise<DecodeLane>;
}

/** Text <-> tokens with a model's own vocabulary; loads no weights. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Tokens after which an answer ends. */
  readonly endTokens: readonly number[];
  tokenize(text: string, options: { readonly addSpecial: boolean; readonly parseSpecial: boolean }): Promise<Int32Array>;
  /** The raw bytes of one token; a character may be split over several tokens. */
  tokenBytes(token: number, special?: boolean): Promise<Uint8Array>;
  /** What all tokens spell: per token u16 length (65535: it ends an answer) and that many bytes, little-endian. Made once. */
  spelling(): Promise<Uint8Array>;
  /** Renders the model's own chat template; throws ENGINE_NO_CHAT_TEMPLATE when it has none that is known. */
  applyChatTemplate(messages: readonly ChatMessage[], addAssistant: boolean): Promise<string>;
  dispose(): Promise<void>;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}
