import { parentPort, workerData } from 'node:worker_threads';
import { toCoded } from '../base/index.ts';
import { cutIntoStore } from './local-store.ts';
import type { CutJob, FromStoreThread } from './store-thread.ts';

/** Entry of the thread that cuts one model; see cutInThread. */
const tell = (message: FromStoreThread): void => parentPort?.postMessage(message);
const { config, ...job } = workerData as CutJob;
const controller = new AbortController();
parentPort?.on('message', () => controller.abort());

try {
  tell({ type: 'done', manifest: await cutIntoStore(config, { ...job, signal: controller.signal, onProgress: (progress) => tell({ type: 'progress', progress }) }) });
} catch (error) {
  tell({ type: 'failed', error: toCoded(error).toWire() });
} finally {
  parentPort?.close();
}
