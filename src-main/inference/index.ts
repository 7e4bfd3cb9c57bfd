export * from './errors.ts';
export * from './engine/types.ts';
export { createWorkerEngine } from './engine/worker-engine.ts';
export { createWorkerTokenizer } from './engine/worker-tokenizer.ts';
export type { SpawnWorker, WorkerOptions } from './engine/worker-client.ts';
export type { Device } from './protocol/messages.ts';
export { availableBytes } from './memory/check-memory.ts';
export { findLibraries, probeEngine } from './probe/libraries.ts';
export * from './local/local-model.ts';
