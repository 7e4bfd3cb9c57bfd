import { checkMemory } from '../memory/check-memory.ts';
import { embedErrors } from './errors.ts';
import { MAX_TEXT_CHARACTERS, MAX_TEXTS } from './limits.ts';
import type { EmbedderInfo } from './messages.ts';
import { openModelFolder } from './model-folder.ts';
import { EmbeddingProcess } from './process.ts';
import type { CountedVector, Embedder, EmbedderOptions, TooLongPolicy } from './types.ts';

/**
 * Loads an embedding model in a process of its own. Throws EMBED_MISSING_FILE, EMBED_FILE_TOO_LARGE and ENGINE_NO_MEMORY
 * before anything is started; EMBED_PACKAGE_MISSING, EMBED_NOT_EMBEDDING_MODEL, EMBED_CANCELLED, EMBED_WORKER_LOST.
 * A failed load leaves no process.
 */
export async function createEmbedder(options: EmbedderOptions): Promise<Embedder> {
  const { runtimeFolder, workerPath, pooling = 'mean', tooLong = 'refuse', threads = 1, spawn, signal } = options;
  const { folder, weights, weightPath } = await openModelFolder(options.modelFolder);
  await checkMemory({ path: weightPath });
  if (signal?.aborted === true) throw embedErrors.cancelled({}, signal.reason);
  const child = new EmbeddingProcess(workerPath, spawn);
  try {
    const info = await cancellable(child.call('load', { runtimeFolder, modelFolder: folder, weights, pooling, threads }), signal);
    return new ProcessEmbedder(child, info, tooLong);
  } catch (error) {
    await child.dispose();
    throw error;
  }
}

class ProcessEmbedder implements Embedder {
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly #process: EmbeddingProcess;
  readonly #tooLong: TooLongPolicy;

  constructor(child: EmbeddingProcess, { dimensions, maxTokens }: EmbedderInfo, tooLong: TooLongPolicy) {
    this.#process = child;
    this.dimensions = dimensions;
    this.maxTokens = maxTokens;
    this.#tooLong = tooLong;
  }

  async embed(texts: readonly string[], options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array[]> {
    return (await this.embedCounted(texts, options)).map(({ vector }) => vector);
  }

  async embedCounted(texts: readonly string[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<CountedVector[]> {
    const bounded = this.#check(texts);
    const vectors: CountedVector[] = [];
    for (const [index, text] of bounded.entries()) {
      if (signal?.aborted === true) throw embedErrors.cancelled({}, signal.reason);
      const result = await cancellable(this.#process.call('embed', { text, truncate: this.#tooLong === 'truncate' }), signal);
      if (result.kind === 'too-long') throw embedErrors.textTooLong({ index, size: `${result.tokens} tokens`, limit: `${this.maxTokens} tokens` });
      vectors.push({ vector: result.vector, tokens: result.tokens });
    }
    return vectors;
  }

  dispose(): Promise<void> {
    return this.#process.dispose();
  }

  /** All texts before the first is computed: a call that cannot succeed costs nothing. */
  #check(texts: readonly string[]): readonly string[] {
    if (texts.length > MAX_TEXTS) throw embedErrors.tooManyTexts({ texts: texts.length, limit: MAX_TEXTS });
    return texts.map((text, index) => {
      if (text.trim() === '') throw embedErrors.emptyText({ index });
      if (text.length <= MAX_TEXT_CHARACTERS) return text;
      if (this.#tooLong === 'truncate') return text.slice(0, MAX_TEXT_CHARACTERS);
      throw embedErrors.textTooLong({ index, size: `${text.length} characters`, limit: `${MAX_TEXT_CHARACTERS} characters` });
    });
  }
}

/** The caller is free at once; the process finishes the text that it is at, and its result is dropped. */
async function cancellable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = (): void => reject(embedErrors.cancelled({}, signal.reason));
  signal.addEventListener('abort', cancel, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', cancel));
}
