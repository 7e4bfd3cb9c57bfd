/**
 * The whole contract of the addon (native/src/module.cc). Only src-main/inference/worker imports it.
 *
 * Failures are Errors with a number, `nativeCode`, and a detail for people as `message`:
 * 1 bad argument, 2 load failed, 3 context failed, 4 sessions full, 5 no such session, 6 bad position,
 * 7 context full, 8 decode failed, 9 disposed, 10 no chat template, 11 no backend, 12 bad token, 13 no memory, 14 no lane,
 * 15 bad grammar.
 *
 * Forward passes on one stage must not overlap. Promises resolve on the JS thread; their work runs off it.
 */
declare const stage: unique symbol;
declare const vocab: unique symbol;
declare const lane: unique symbol;
export interface StageHandle { readonly [stage]: true }
export interface VocabHandle { readonly [vocab]: true }
/** A thread of its own that runs a stage's decode steps; see native/src/lane.h. */
export interface LaneHandle { readonly [lane]: true }

export interface NativeError extends Error {
  readonly nativeCode: number;
  /** With 13: weights, cache and buffers together. */
  readonly neededBytes?: number;
}

export interface Device {
  readonly name: string;
  readonly description: string;
  readonly isGpu: boolean;
  readonly memoryFreeBytes: number;
  readonly memoryTotalBytes: number;
}

export interface NativeStageOptions {
  readonly path: string;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly contextTokens: number;
  readonly maxSessions: number;
  readonly batchTokens: number;
  readonly threads: number;
  /** One processor per thread, when there are as many threads as processors. For stages that share a machine. */
  readonly pinThreads: boolean;
  readonly gpuLayers: number;
  /** What this machine can still hold; a stage on the CPU that needs more is refused. 0 = do not ask. */
  readonly freeBytes: number;
}

export interface NativeStageInfo {
  readonly architecture: string;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly contextTokens: number;
  readonly weightBytes: number;
  readonly kvBytes: number;
  readonly backend: 'cpu' | 'metal' | 'cuda' | 'vulkan';
}

export interface NativeSampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly penaltyWindow: number;
  readonly seed: number;
  readonly topLogprobs: number;
}

/** The shape of an answer's text: a grammar's program (native/src/grammar.h), and what the vocabulary's tokens spell (native/src/spelling.h). */
export interface NativeShape {
  readonly grammar: Int32Array;
  readonly spelling: Uint8Array;
}

/** Of hidden states in transit. */
export type NativeDtype = 'f32' | 'f16' | 'q8';

export interface NativeForward {
  readonly session: number;
  readonly position: number;
  readonly rows: number;
  /** `data` is Int32Array[rows] for tokens, else Uint8Array of [rows x hidden size], little-endian; q8 in blocks (docs/protocols/stage.md). */
  readonly input: 'tokens' | NativeDtype;
  readonly data: Int32Array | Uint8Array;
  readonly want: NativeDtype | 'sample' | 'none';
}

export interface NativeOutput {
  readonly computeMs: number;
  /** [rows x hidden size], when wanted. */
  readonly hidden?: Uint8Array;
  readonly token?: number;
  /** NaN unless topLogprobs > 0. */
  readonly logprob?: number;
  readonly top?: ReadonlyArray<{ readonly token: number; readonly logprob: number }>;
}

/** Rows of a window: index (row x hidden size + column, row 0 being `first`) and bfloat16 bits of its largest entries, in turn. */
export interface NativeTappedRows {
  readonly first: number;
  readonly count: number;
  readonly entries: Int32Array;
}

/** What a recording session keeps of up to 32 rows; times are Unix ms. */
export interface NativeTappedWindow {
  readonly first: number;
  readonly count: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** The first stage's. */
  readonly tokens?: Int32Array;
  /** The last stage's: sampled after the window's last rows. */
  readonly sampled?: Int32Array;
  readonly input?: NativeTappedRows;
  readonly output?: NativeTappedRows;
}

/** What a lane tells; `session` is the slot of openSession. */
export type NativeLaneEvent =
  /** The connection to the next stage stands. */
  | { readonly kind: 'up'; readonly session: number }
  /** The connection to a neighbour is gone (`wasUp`: rows may be lost) or could not be had; `own`: a row could not be computed. */
  | { readonly kind: 'lost'; readonly session: number; readonly side: 'own' | 'previous' | 'next'; readonly wasUp: boolean; readonly detail: string }
  /** The last stage sampled; `position` is the token's. `passedOn`: stage 0 has it. */
  | NativeLaneStep & NativeLaneToken & { readonly kind: 'token'; readonly passedOn: boolean; /** When it was sampled, by this process's steady clock. */ readonly atUs: number }
  /** A row [hidden size] that no connection takes on. */
  | NativeLaneStep & { readonly kind: 'hidden'; readonly data: Uint8Array };

export interface NativeLaneStep {
  readonly session: number;
  readonly run: number;
  readonly position: number;
  /** Spent by the stages after stage 0, this one included, µs. */
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
}

export interface NativeLaneToken {
  readonly token: number;
  readonly logprob: number;
  readonly top: ReadonlyArray<{ readonly token: number; readonly logprob: number }>;
}

/** Sums of the present run, µs; `rings`: times round, measured on stage 0. */
export interface NativeLaneStats {
  readonly frames: number;
  readonly computeUs: number;
  readonly serialiseUs: number;
  readonly waitUs: number;
  readonly rings: number;
  readonly ringUs: number;
  readonly ringInsideUs: number;
  /** Records sent on, with their framing. */
  readonly bytesOut: number;
  /** On stage 0: rows that were drafts, and drafts that came true. */
  readonly drafted: number;
  readonly accepted: number;
  /** On the last stage: rows that were not computed, because their draft did not come true. */
  readonly dropped: number;
}

/** What the newest rows of the present run took, oldest first, at most 4,096; `atUs` (when a pass ended) and `nowUs` are of one clock. */
export interface NativeLaneSteps {
  readonly nowUs: number;
  readonly steps: ReadonlyArray<{ readonly position: number; readonly atUs: number; readonly computeUs: number; readonly serialiseUs: number; readonly waitUs: number; readonly isDraft: boolean }>;
}

export interface NativeAddon {
  /** Loads llama.cpp's backends from the folder that holds its shared libraries; once per process. */
  init(librariesFolder: string): readonly Device[];
  loadStage(options: NativeStageOptions): Promise<StageHandle>;
  stageInfo(stage: StageHandle): NativeStageInfo;
  /**
   * `record`: the dtype of hidden states in transit; then windows are kept for receipts. `shape`: what the last stage may sample; rejects with 15
   * where it is none of this vocabulary.
   */
  openSession(stage: StageHandle, sampling: NativeSampling, record: NativeDtype | 'none', shape: NativeShape | null): Promise<number>;
  closeSession(stage: StageHandle, session: number): Promise<true>;
  rollback(stage: StageHandle, session: number, position: number): Promise<true>;
  /** Ends the window under way and takes the oldest windows, of rows before `end` alone, at most `most`. */
  takeWindows(stage: StageHandle, session: number, end: number, most: number): Promise<readonly NativeTappedWindow[]>;
  forward(stage: StageHandle, item: NativeForward): Promise<NativeOutput>;
  disposeStage(stage: StageHandle): Promise<true>;
  /** Listens on a numeric address, at a port that the system chooses. Close it before its stage is disposed of. */
  openLane(stage: StageHandle, bindHost: string, onEvent: (event: NativeLaneEvent) => void): LaneHandle;
  lanePort(lane: LaneHandle): number;
  /** How long the present pass runs, µs; 0 when idle. */
  laneBusyUs(lane: LaneHandle): number;
  /** Takes one connection that names itself `id` (16 bytes) and proves `key` (32 bytes), for the rows of `session`. */
  laneExpect(lane: LaneHandle, session: number, id: Uint8Array, key: Uint8Array): true;
  laneConnect(lane: LaneHandle, session: number, host: string, port: number, id: Uint8Array, key: Uint8Array): true;
  laneBegin(lane: LaneHandle, session: number, run: number, takes: NativeDtype, sends: NativeDtype): true;
  /** Rows of the session may be drafts; to be told to all of its stages. `always`: stage 0 drafts however little that brings. */
  laneSpeculate(lane: LaneHandle, session: number, always: boolean): true;
  /** `guess`: what may follow the first token; empty: nothing is known. */
  laneFeed(lane: LaneHandle, session: number, run: number, feeder: { readonly left: number; readonly limit: number; readonly endTokens: Int32Array; readonly guess: Int32Array }): true;
  laneToken(lane: LaneHandle, session: number, run: number, token: number, position: number): true;
  laneLimit(lane: LaneHandle, session: number, run: number, limit: number): true;
  laneStop(lane: LaneHandle, session: number, run: number): true;
  laneStats(lane: LaneHandle, session: number): NativeLaneStats;
  laneSteps(lane: LaneHandle, session: number): NativeLaneSteps;
  /** Forgets the session and ends its connections. */
  laneLeave(lane: LaneHandle, session: number): true;
  closeLane(lane: LaneHandle): Promise<true>;
  loadVocab(path: string): Promise<VocabHandle>;
  vocabInfo(vocab: VocabHandle): { readonly vocabSize: number; readonly endTokens: Int32Array };
  tokenize(vocab: VocabHandle, text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
  tokenBytes(vocab: VocabHandle, token: number, special: boolean): Uint8Array;
  /** Per token u16 length and bytes, little-endian; 65535 and no bytes: it ends an answer. */
  vocabSpelling(vocab: VocabHandle): Promise<Uint8Array>;
  applyChatTemplate(vocab: VocabHandle, messages: ReadonlyArray<{ readonly role: string; readonly content: string }>, addAssistant: boolean): string;
  disposeVocab(vocab: VocabHandle): Promise<true>;
}
