/** Below this much weight a layer takes microseconds: a second thread costs more in waiting for it than it saves. */
const ONE_THREAD_BYTES = 64 * 1024 * 1024;

/** Threads for a file of weights: what the owner said, else all cores, or one when there is next to nothing to do. */
export const threadsFor = (configured: number | undefined, cores: number, weightBytes: number): number =>
  configured ?? (weightBytes < ONE_THREAD_BYTES ? 1 : cores);
