import { basename, dirname } from 'node:path';
import { isCoded, toCoded } from '../../../base/index.ts';
import { embedErrors } from '../errors.ts';
import type { Embedded, EmbedderInfo, LoadEmbedder } from '../messages.ts';
import { loadTransformers, type ExtractionPipeline } from './transformers.ts';

/** For a model that names no limit. */
const DEFAULT_MAX_TOKENS = 512;
/** Outputs with one state per token. A model that gives logits is one for another task. */
const STATE_OUTPUTS = ['last_hidden_state', 'token_embeddings'];

/** A loaded feature-extraction pipeline of transformers.js: one text in, one vector out. */
export class TextPipeline {
  readonly info: EmbedderInfo;
  readonly #pipeline: ExtractionPipeline;
  readonly #pooling: LoadEmbedder['pooling'];

  private constructor(pipeline: ExtractionPipeline, info: EmbedderInfo, pooling: LoadEmbedder['pooling']) {
    this.#pipeline = pipeline;
    this.info = info;
    this.#pooling = pooling;
  }

  /** Throws EMBED_PACKAGE_MISSING, EMBED_NOT_EMBEDDING_MODEL. */
  static async load({ runtimeFolder, modelFolder, weights, pooling, threads }: LoadEmbedder): Promise<TextPipeline> {
    const { pipeline: create } = loadTransformers(runtimeFolder, dirname(modelFolder));
    const session = { intraOpNumThreads: threads, interOpNumThreads: 1 };
    try {
      const pipeline = await create('feature-extraction', basename(modelFolder), { local_files_only: true, device: 'cpu', dtype: weights, session_options: session });
      checkOutputs(pipeline);
      const maxTokens = maxTokensOf(pipeline);
      // What the tokenizer cuts at: it may say more than the model has positions for, or nothing.
      pipeline.tokenizer.config.model_max_length = maxTokens;
      const probe = await vectorOf(pipeline, 'a', pooling);
      return new TextPipeline(pipeline, { dimensions: probe.length, maxTokens }, pooling);
    } catch (error) {
      throw isCoded(error, 'EMBED_NOT_EMBEDDING_MODEL') ? error : embedErrors.notEmbeddingModel({ detail: toCoded(error).message }, error);
    }
  }

  async embed(text: string, truncate: boolean): Promise<Embedded> {
    const tokens = this.#pipeline.tokenizer.encode(text).length;
    if (!truncate && tokens > this.info.maxTokens) return { kind: 'too-long', tokens };
    const vector = await vectorOf(this.#pipeline, text, this.#pooling);
    if (vector.length !== this.info.dimensions) throw embedErrors.computeFailed({ detail: `${vector.length} components, not ${this.info.dimensions}` });
    return { kind: 'vector', vector, tokens: Math.min(tokens, this.info.maxTokens) };
  }
}

function checkOutputs({ model }: ExtractionPipeline): void {
  const outputs = Object.values(model.sessions).flatMap(({ outputNames }) => outputNames);
  if (!STATE_OUTPUTS.some((name) => outputs.includes(name))) throw embedErrors.notEmbeddingModel({ detail: `its outputs are ${outputs.join(', ')}` });
}

function maxTokensOf({ tokenizer, model }: ExtractionPipeline): number {
  // Tokenizers without a limit of their own say so with 1e30.
  const limits = [tokenizer.model_max_length, model.config.max_position_embeddings].filter((limit) => typeof limit === 'number' && limit >= 1 && limit < 1e9);
  return limits.length === 0 ? DEFAULT_MAX_TOKENS : Math.floor(Math.min(...(limits as number[])));
}

async function vectorOf(pipeline: ExtractionPipeline, text: string, pooling: LoadEmbedder['pooling']): Promise<Float32Array> {
  const { data, dims } = await pipeline(text, { pooling, normalize: true });
  if (!(data instanceof Float32Array) || dims.length !== 2 || dims[0] !== 1) throw embedErrors.computeFailed({ detail: `a result of shape [${dims.join(', ')}]` });
  if (!data.every(Number.isFinite)) throw embedErrors.computeFailed({ detail: 'the vector has components that are no numbers' });
  // A copy: the tensor's memory is the runtime's.
  return Float32Array.from(data);
}
