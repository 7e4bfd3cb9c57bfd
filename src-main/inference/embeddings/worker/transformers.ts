import { createRequire } from 'node:module';
import { join } from 'node:path';
import { embedErrors } from '../errors.ts';

/** The part of transformers.js that is used here. It is no dependency of the project, so its own types are not there. */
export interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string; useFSCache: boolean; logLevel: number };
  pipeline(task: 'feature-extraction', model: string, options: PipelineOptions): Promise<ExtractionPipeline>;
}

export interface PipelineOptions {
  readonly local_files_only: true;
  readonly device: 'cpu';
  readonly dtype: 'fp32' | 'q8';
  readonly session_options: { readonly intraOpNumThreads: number; readonly interOpNumThreads: number };
}

export interface ExtractionPipeline {
  (text: string, options: { readonly pooling: 'mean' | 'cls'; readonly normalize: boolean }): Promise<{ readonly data: unknown; readonly dims: readonly number[] }>;
  readonly tokenizer: { encode(text: string): number[]; readonly model_max_length: number; readonly config: { model_max_length?: number } };
  readonly model: { readonly config: { readonly max_position_embeddings?: unknown }; readonly sessions: Readonly<Record<string, { readonly outputNames: readonly string[] }>> };
}

const NO_LOGS = 50;

/** Loads transformers.js and its runtime, and shuts the network off. Throws EMBED_PACKAGE_MISSING. */
export function loadTransformers(runtimeFolder: string, modelsFolder: string): Transformers {
  const transformers = requirePackage(runtimeFolder);
  Object.assign(transformers.env, { allowRemoteModels: false, useFSCache: false, localModelPath: modelsFolder, logLevel: NO_LOGS });
  return transformers;
}

function requirePackage(folder: string): Transformers {
  try {
    return createRequire(join(folder, 'package.json'))('@huggingface/transformers') as Transformers;
  } catch (error) {
    const [firstLine = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw embedErrors.packageMissing({ detail: firstLine }, error);
  }
}
