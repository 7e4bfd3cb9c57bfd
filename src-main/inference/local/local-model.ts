import type { Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp';
import type { SamplingOptions, StageLoadOptions } from '../engine/types.ts';
import { engineErrors } from '../errors.ts';
import { checkMemory } from '../memory/check-memory.ts';

export type LocalModelOptions = Pick<StageLoadOptions, 'path' | 'contextTokens' | 'batchTokens' | 'threads' | 'gpuLayers'> & { readonly signal?: AbortSignal };

export interface LocalGenerateRequest {
  readonly promptTokens: Int32Array;
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  readonly endTokens: readonly number[];
  readonly signal: AbortSignal;
}

export interface LocalStep {
  readonly token: number;
}

/** A whole model in this process, run by node-llama-cpp: what a pipeline's answers are compared with. */
export interface LocalModel {
  readonly weightBytes: number;
  readonly layers: number;
  /** Yields the answer's tokens, without the end token. Throws ENGINE_EMPTY_PROMPT, ENGINE_PROMPT_TOO_LONG. */
  generate(request: LocalGenerateRequest): AsyncGenerator<LocalStep>;
  dispose(): Promise<void>;
}

/**
 * Settings are those of a stage (native/src/stage.cc), so that greedy tokens are the same: no flash
 * attention, full-size window cache, equal batches. Throws ENGINE_NO_MEMORY, ENGINE_LOAD_FAILED.
 */
export async function createLocalModel(options: LocalModelOptions): Promise<LocalModel> {
  await checkMemory(options);
  // Loaded late: it is large, and only this command needs it in the host's process.
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({ build: 'never', skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.disabled, ...(options.gpuLayers === 0 ? { gpu: false as const } : {}) })
    .catch((error: Error) => { throw engineErrors.noBackend({ detail: error.message }, error); });
  try {
    return await loadWhole(llama, options);
  } catch (error) {
    await llama.dispose();
    throw error;
  }
}

async function loadWhole(llama: Llama, options: LocalModelOptions): Promise<LocalModel> {
  const model = await llama.loadModel({
    modelPath: options.path, gpuLayers: options.gpuLayers < 0 ? 'max' : options.gpuLayers, ...(options.signal === undefined ? {} : { loadSignal: options.signal }),
  }).catch((error: Error) => { throw options.signal?.aborted === true ? options.signal.reason : engineErrors.loadFailed({ detail: error.message }, error); });
  try {
    return new WholeModel(llama, model, { context: await createContext(model, options), contextTokens: options.contextTokens });
  } catch (error) {
    await model.dispose();
    throw engineErrors.contextFailed({ detail: error instanceof Error ? error.message : String(error) }, error);
  }
}

const createContext = (model: LlamaModel, { contextTokens, batchTokens, threads }: LocalModelOptions): Promise<LlamaContext> =>
  model.createContext({ contextSize: contextTokens, batchSize: batchTokens, sequences: 1, threads: { ideal: threads, min: threads }, flashAttention: false, swaFullCache: true });

class WholeModel implements LocalModel {
  readonly weightBytes: number;
  readonly layers: number;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #contextTokens: number;

  constructor(llama: Llama, model: LlamaModel, { context, contextTokens }: { readonly context: LlamaContext; readonly contextTokens: number }) {
    this.#llama = llama;
    this.#model = model;
    this.#context = context;
    this.#contextTokens = contextTokens;
    this.weightBytes = model.size;
    // node-llama-cpp counts the output as a layer.
    this.layers = model.fileInsights.totalLayers - 1;
  }

  async *generate({ promptTokens, sampling, maxTokens, endTokens, signal }: LocalGenerateRequest): AsyncGenerator<LocalStep> {
    if (promptTokens.length === 0) throw engineErrors.emptyPrompt({});
    const room = this.#contextTokens - promptTokens.length;
    if (room < 1) throw engineErrors.promptTooLong({ promptTokens: promptTokens.length, contextTokens: this.#contextTokens });
    const sequence = this.#context.getSequence();
    const generated: Token[] = [];
    const steps = sequence.evaluate([...promptTokens] as Token[], { ...toSampling(sampling, () => generated), yieldEogToken: true });
    try {
      for await (const token of steps) {
        if (endTokens.includes(token) || signal.aborted) return;
        generated.push(token);
        yield { token };
        if (generated.length >= Math.min(maxTokens, room)) return;
      }
    } finally {
      await sequence.dispose();
    }
  }

  async dispose(): Promise<void> {
    await this.#context.dispose();
    await this.#model.dispose();
    await this.#llama.dispose();
  }
}

/** As the stage's sampler has it: the penalty looks at generated tokens alone. */
function toSampling(how: SamplingOptions, recent: () => Token[]) {
  const { temperature, topK, topP, minP, seed, repetitionPenalty, penaltyWindow } = how;
  // slice(-0) would be all tokens, not none.
  const penalty = repetitionPenalty === 1 || penaltyWindow === 0 ? {} : { repeatPenalty: { punishTokens: () => recent().slice(-penaltyWindow), penalty: repetitionPenalty, maxPunishTokens: penaltyWindow } };
  return { temperature, topK, topP, minP, seed, ...penalty };
}
