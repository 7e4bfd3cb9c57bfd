import { Worker } from 'node:worker_threads';
import { CodedError, toCoded, type WireError } from '../base/index.ts';
import type { Manifest, ShardPlan, ShardProgress } from '../store/index.ts';
import type { HostConfig } from './config.ts';

/** What the thread is started with. */
export interface CutJob {
  readonly config: HostConfig;
  readonly model: string;
  readonly folder: string;
  readonly plan: ShardPlan;
}

export type FromStoreThread =
  | { readonly type: 'progress'; readonly progress: ShardProgress }
  | { readonly type: 'done'; readonly manifest: Manifest }
  | { readonly type: 'failed'; readonly error: WireError };

export interface CutThreadOptions {
  /** The module that runs in the thread. */
  readonly workerPath: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: ShardProgress) => void;
}

/**
 * Cuts a model in a thread of its own: gigabytes are read, hashed and written while this
 * thread answers. Throws what cutIntoStore throws.
 */
export async function cutInThread(job: CutJob, { workerPath, signal, onProgress }: CutThreadOptions): Promise<Manifest> {
  const { promise, resolve, reject } = Promise.withResolvers<Manifest>();
  const worker = new Worker(workerPath, { workerData: job, execArgv: [] });
  const cancel = (): void => worker.postMessage('cancel');
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted === true) cancel();
  worker.on('message', (message: FromStoreThread) => {
    if (message.type === 'progress') onProgress?.(message.progress);
    else if (message.type === 'done') resolve(message.manifest);
    else reject(CodedError.fromWire(message.error));
  });
  worker.on('error', (error) => reject(toCoded(error)));
  // After a last message, which comes first, this changes nothing.
  worker.on('exit', (code) => reject(toCoded(`the store's thread ended with code ${code}`)));
  return promise.finally(() => signal?.removeEventListener('abort', cancel));
}
