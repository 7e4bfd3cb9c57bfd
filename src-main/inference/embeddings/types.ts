import type { SpawnChild } from '../../base/index.ts';

/** How the states of a text's tokens become one vector: their mean, or the state of the first token. A model is trained for one of them. */
export type Pooling = 'mean' | 'cls';

/** What happens to a text with more tokens than the model takes. */
export type TooLongPolicy = 'refuse' | 'truncate';

export interface EmbedderOptions {
  /** config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx, or onnx/model_quantized.onnx. Nothing else is read, and nothing from the network. */
  readonly modelFolder: string;
  /** Folder whose node_modules hold transformers.js: `.runtime/embeddings`. */
  readonly runtimeFolder: string;
  /** src-main/inference/embeddings/worker/main.ts, or its bundle. */
  readonly workerPath: string;
  /** Default: mean. */
  readonly pooling?: Pooling;
  /** Default: refuse, because a cut text is found by its beginning only and nobody would notice. */
  readonly tooLong?: TooLongPolicy;
  /** CPU threads; default 1. */
  readonly threads?: number;
  /** How the process is started; by default a fork. */
  readonly spawn?: SpawnChild | undefined;
  /** Gives up loading. */
  readonly signal?: AbortSignal;
}

export interface CountedVector {
  readonly vector: Float32Array;
  readonly tokens: number;
}

/**
 * An embedding model in a process of its own. Calls are computed one text at a time, in order of arrival, so that the
 * vector of a text does not depend on the texts beside it (padding and quantised activations would make it).
 */
export interface Embedder {
  /** Components of a vector. */
  readonly dimensions: number;
  /** Most tokens of a text, with the tokens that the tokenizer adds. */
  readonly maxTokens: number;
  /**
   * One vector per text, in order: float32, Euclidean length 1, so that a dot product is the cosine similarity.
   * Throws EMBED_EMPTY_TEXT, EMBED_TOO_MANY_TEXTS, EMBED_TEXT_TOO_LONG, EMBED_CANCELLED, EMBED_COMPUTE_FAILED,
   * EMBED_WORKER_LOST, EMBED_DISPOSED.
   */
  embed(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<Float32Array[]>;
  /** The same, with the tokens of each text that were read: those that the tokenizer adds included, those that were cut off not. */
  embedCounted(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<CountedVector[]>;
  /** Ends the process; idempotent. Calls in flight end with EMBED_DISPOSED. */
  dispose(): Promise<void>;
}
