import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { appPaths } from '../../src-main/host/index.ts';

const { embeddingInstaller, embeddingRuntime, embeddingWorker } = appPaths();

export const embedding = { runtimeFolder: embeddingRuntime, workerPath: embeddingWorker };

/** Longest wait for the npm registry. */
export const INSTALL_TIMEOUT_MS = 300_000;

/** Installs what embeddings run on, as the first `omninode embed` does; at once when it is there. */
export async function installEmbeddingRuntime(env: Readonly<Record<string, string>> = {}): Promise<void> {
  await promisify(execFile)(process.execPath, [embeddingInstaller], { env: { ...process.env, ...env } });
}

export const binariesFolder = join(embeddingRuntime, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6');
