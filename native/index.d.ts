/**
 * The whole contract of the addon (native/src/module.cc). Only src-main/inference/worker imports it.
 *
 * Failures are Errors with a number, `nativeCode`, and a detail for people as `message`:
 * 1 bad argument, 2 load failed, 3 context failed, 4 sessions full, 5 no such session, 6 bad position,
 * 7 context full, 8 decode failed, 9 disposed, 10 no chat template, 11 no backend, 12 bad token, 13 no memory.
 *
 * Calls on one stage must not overlap. Promises resolve on the JS thread; their work runs off it.
 */
declare const stage: unique symbol;
declare const vocab: unique symbol;
export interface StageHandle { readonly [stage]: true }
export interface VocabHandle { readonly [vocab]: true }

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

export interface NativeForward {
  readonly session: number;
  readonly position: number;
  readonly rows: number;
  /** `data` is Int32Array[rows] for tokens, else Uint8Array of [rows x hidden size] little-endian values. */
  readonly input: 'tokens' | 'f32' | 'f16';
  readonly data: Int32Array | Uint8Array;
  readonly want: 'f32' | 'f16' | 'sample' | 'none';
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

export interface NativeAddon {
  /** Loads llama.cpp's backends from the folder that holds its shared libraries; once per process. */
  init(librariesFolder: string): readonly Device[];
  loadStage(options: NativeStageOptions): Promise<StageHandle>;
  stageInfo(stage: StageHandle): NativeStageInfo;
  openSession(stage: StageHandle, sampling: NativeSampling): number;
  closeSession(stage: StageHandle, session: number): true;
  rollback(stage: StageHandle, session: number, position: number): true;
  forward(stage: StageHandle, item: NativeForward): Promise<NativeOutput>;
  disposeStage(stage: StageHandle): Promise<true>;
  loadVocab(path: string): Promise<VocabHandle>;
  vocabInfo(vocab: VocabHandle): { readonly vocabSize: number; readonly endTokens: Int32Array };
  tokenize(vocab: VocabHandle, text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
  tokenBytes(vocab: VocabHandle, token: number, special: boolean): Uint8Array;
  applyChatTemplate(vocab: VocabHandle, messages: ReadonlyArray<{ readonly role: string; readonly content: string }>, addAssistant: boolean): string;
  disposeVocab(vocab: VocabHandle): Promise<true>;
}
