import { basename, resolve } from 'node:path';
import { isCoded, systemClock, toCoded, type Logger, type SpawnChild } from '../base/index.ts';
import type { EmbeddingReply, EmbeddingRequest, EmbeddingService, Loading, ServedModel } from '../api/index.ts';
import { createEmbedder, type Embedder } from '../inference/index.ts';
import { notServed } from './completion-model.ts';
import { embeddingRuntime, embeddingThreads } from './embed-texts.ts';
import type { AppPaths } from './paths.ts';

export interface EmbeddingModelInit {
  /** In the layout of transformers.js; its name is what clients call the model. */
  readonly folder: string;
  readonly threads: number | undefined;
  /** Where a packaged app looks for what embeddings run on. */
  readonly home: string;
  readonly paths: AppPaths;
  readonly logger: Logger;
  readonly spawn?: SpawnChild | undefined;
}

/** An embedding model that stays loaded. One that failed, or whose process was lost, is loaded again by the next request. */
export class EmbeddingModel implements EmbeddingService {
  readonly model: ServedModel;
  readonly #init: EmbeddingModelInit;
  readonly #stopped = new AbortController();
  #loaded: Promise<Embedder> | undefined;
  #detail: string | undefined;

  constructor(init: EmbeddingModelInit) {
    this.#init = { ...init, folder: resolve(init.folder) };
    this.model = { id: basename(this.#init.folder), kind: 'embeddings', createdAtSeconds: Math.floor(systemClock.now() / 1000) };
  }

  /** Begins to load; nobody waits for it. */
  start(): void {
    this.#load().catch((error: unknown) => {
      const { code, message } = toCoded(error);
      this.#init.logger.warn({ code, message }, 'the embedding model was not loaded');
    });
  }

  loading(): Loading | undefined {
    return this.#detail === undefined ? undefined : { detail: this.#detail };
  }

  /** Throws HOST_MODEL_NOT_SERVED and EMBED_ errors. */
  async embed({ texts, signal }: EmbeddingRequest): Promise<EmbeddingReply> {
    const embedder = await this.#load().catch((error: unknown) => Promise.reject(notServed(this.model.id, error)));
    try {
      const counted = await embedder.embedCounted(texts, { signal });
      return { vectors: counted.map(({ vector }) => vector), tokens: counted.reduce((sum, { tokens }) => sum + tokens, 0) };
    } catch (error) {
      if (isCoded(error, 'EMBED_WORKER_LOST')) this.#loaded = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await (await this.#loaded?.catch(() => undefined))?.dispose();
  }

  #load(): Promise<Embedder> {
    this.#loaded ??= this.#open().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    }).finally(() => { this.#detail = undefined; });
    return this.#loaded;
  }

  async #open(): Promise<Embedder> {
    const { folder, threads, paths, home, spawn } = this.#init;
    const { signal } = this.#stopped;
    this.#detail = 'starting';
    const runtimeFolder = await embeddingRuntime({ paths, home }, { signal, onStatus: (text) => { this.#detail = text; } });
    this.#detail = 'loading the model';
    return createEmbedder({ modelFolder: folder, runtimeFolder, workerPath: paths.embeddingWorker, threads: embeddingThreads(threads), spawn, signal });
  }
}
