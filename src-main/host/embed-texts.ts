import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createEmbedder, downloadModel, type Pooling, type TooLongPolicy } from '../inference/index.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { appPaths, type AppPaths } from './paths.ts';

/** More threads than this wait for each other on the matrices of one text. */
const MAX_THREADS = 4;
export const embeddingThreads = (threads: number | undefined): number => threads ?? Math.min(MAX_THREADS, availableParallelism());

export interface EmbedRequest {
  readonly texts: readonly string[];
  /** A folder in the layout of transformers.js. */
  readonly modelFolder: string;
  /** Where the model is fetched from when the folder is not there. */
  readonly downloadUrl?: string;
  readonly pooling: Pooling;
  readonly tooLong: TooLongPolicy;
}

export interface EmbedOptions {
  readonly signal: AbortSignal;
  readonly onStatus?: (text: string) => void;
}

export interface EmbedReport {
  readonly model: string;
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly embeddings: readonly { readonly text: string; readonly vector: readonly number[] }[];
}

/** `embed`: texts to vectors of length 1. Installs what embeddings run on when it is not there. Throws HOST_EMBEDDINGS_NOT_INSTALLED, HOST_EMBEDDINGS_NOT_PACKED and EMBED_ errors. */
export async function embedTexts({ config }: Settings, request: EmbedRequest, { signal, onStatus }: EmbedOptions): Promise<EmbedReport> {
  const paths = appPaths();
  const { texts, downloadUrl, pooling, tooLong } = request;
  const modelFolder = resolve(request.modelFolder);
  const runtimeFolder = await embeddingRuntime({ paths, home: config.home }, { signal, ...(onStatus === undefined ? {} : { onStatus }) });
  if (downloadUrl !== undefined) {
    await downloadModel({ url: downloadUrl, modelFolder, signal, onProgress: (file, bytes, total) => onStatus?.(`downloading ${file}: ${megabytes(bytes)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`) });
  }
  onStatus?.('loading the model');
  const threads = embeddingThreads(config.threads);
  const embedder = await createEmbedder({ modelFolder, runtimeFolder, workerPath: paths.embeddingWorker, pooling, tooLong, threads, signal });
  try {
    onStatus?.(`embedding ${texts.length} ${texts.length === 1 ? 'text' : 'texts'}`);
    const vectors = await embedder.embed(texts, { signal });
    const { dimensions, maxTokens } = embedder;
    return { model: modelFolder, dimensions, maxTokens, embeddings: vectors.map((vector, index) => ({ text: texts[index] ?? '', vector: [...vector] })) };
  } finally {
    await embedder.dispose();
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** As scripts/embeddings/package.json has it, which no packaged app brings. */
export const EMBEDDING_PACKAGES = '@huggingface/transformers@4.3.1';

/**
 * The folder whose node_modules hold what embeddings run on; installs it where it can. A packaged app has no npm, no Node to run it with (its fuse
 * is closed) and no folder of its own to write: there the user installs into `<home>/embeddings`. Throws HOST_EMBEDDINGS_NOT_INSTALLED, HOST_EMBEDDINGS_NOT_PACKED.
 */
export async function embeddingRuntime({ paths, home }: { readonly paths: AppPaths; readonly home: string }, options: EmbedOptions): Promise<string> {
  if (existsSync(paths.embeddingInstaller)) {
    await installEmbeddings(paths, options);
    return paths.embeddingRuntime;
  }
  const folder = join(home, 'embeddings');
  if (!existsSync(join(folder, 'node_modules', '@huggingface', 'transformers', 'package.json'))) throw hostErrors.embeddingsNotPacked({ folder, packages: EMBEDDING_PACKAGES });
  return folder;
}

/** Runs the installer, which returns at once when there is nothing to do; its lines are the status. Throws HOST_EMBEDDINGS_NOT_INSTALLED. */
async function installEmbeddings({ embeddingInstaller }: AppPaths, { signal, onStatus }: EmbedOptions): Promise<void> {
  const child = spawn(process.execPath, [embeddingInstaller], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal });
  let lastLine = '';
  child.stderr?.on('data', (bytes) => {
    lastLine = String(bytes).trim().split('\n').at(-1)?.replace(/^omninode: /, '') ?? lastLine;
    onStatus?.(lastLine);
  });
  const { promise, resolve: done, reject } = Promise.withResolvers<number | null>();
  child.once('error', (error) => reject(signal.aborted ? signal.reason : hostErrors.embeddingsNotInstalled({ reason: error.message }, error)));
  child.once('close', done);
  const code = await promise;
  if (code !== 0) throw hostErrors.embeddingsNotInstalled({ reason: lastLine === '' ? `the installer ended with ${code}` : lastLine });
}
