import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isCoded, layerCount, type Logger } from '../base/index.ts';
import { availableBytes, createOwnProcessEngine, createWorkerEngine, type StageEngine, type WorkerOptions } from '../inference/index.ts';
import type { Machine, StageLoadRequest, StageOffer, StageSource } from '../pipeline/index.ts';
import { composeStage } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { memorySpeed } from './memory-speed.ts';
import { threadsFor } from './threads.ts';
import type { GivenShard } from './types.ts';

export interface StageSourceOptions {
  readonly config: HostConfig;
  readonly worker: WorkerOptions;
  readonly shards: readonly GivenShard[];
  /** `own`: this process is a supervised child that does nothing else, so that llama.cpp may run in it. */
  readonly process: 'own' | 'worker';
  readonly logger: Logger;
}

/** Stages from the shards that this node was given; it has no way to load any other layer. */
export function createStageSource(options: StageSourceOptions): StageSource {
  return {
    offers: () => Promise.resolve(offersOf(options.shards)),
    machine: () => machine(options.config),
    load: (request) => load(options, request),
  };
}

async function machine({ gpuLayers }: HostConfig): Promise<Machine> {
  // A guess before the first stage is loaded; its speed is measured then.
  const backend = gpuLayers !== 0 && process.platform === 'darwin' ? 'metal' : 'cpu';
  return { backend, freeBytes: await availableBytes(), memoryBytesPerSecond: await memorySpeed() };
}

function offersOf(shards: readonly GivenShard[]): StageOffer[] {
  const models = Map.groupBy(shards, (shard) => shard.modelHash);
  return [...models.values()].flatMap((held) => {
    const [any] = held;
    if (any === undefined) return [];
    const { modelHash, architecture, totalLayers, hiddenSize } = any;
    return [{ modelHash, architecture, totalLayers, hiddenSize, shards: held.map(({ layers, sizeBytes }) => ({ layers, sizeBytes })) }];
  });
}

async function load({ config, worker, shards, logger, process }: StageSourceOptions, request: StageLoadRequest): Promise<StageEngine> {
  const { modelHash, layers, signal } = request;
  const parts = shards
    .filter((shard) => shard.modelHash === modelHash && shard.layers.first >= layers.first && shard.layers.last <= layers.last)
    .sort((a, b) => a.layers.first - b.layers.first);
  const held = parts.reduce((sum, part) => sum + layerCount(part.layers), 0);
  if (held !== layerCount(layers)) throw hostErrors.shardNotHeld({ modelHash, layers: `${layers.first}-${layers.last}` });
  const outputPath = join(config.home, 'stages', `${modelHash.slice(0, 32)}-${layers.first}-${layers.last}.gguf`);
  const stage = await composeStage({ shards: parts.map((part) => part.path), outputPath, signal });
  const { isFirst, isLast, contextTokens, maxSessions, batchTokens } = request;
  const { size } = await stat(stage.path);
  const threads = threadsFor(config.threads, availableParallelism(), size);
  logger.info({ layers, path: stage.path }, 'loading stage');
  const options = { path: stage.path, layers, isFirst, isLast, contextTokens, batchTokens, threads, gpuLayers: config.gpuLayers };
  // Nodes of a cluster take turns on the same processors.
  const open = (sessions: number): Promise<StageEngine> => (process === 'own' ? createOwnProcessEngine({ ...options, maxSessions: sessions, pinThreads: true }, worker) : createWorkerEngine({ ...options, maxSessions: sessions }, worker));
  return withRoomFor(maxSessions, open);
}

/** As many sessions as memory has room for: each has a KV cache of its own, which is set aside when the stage loads. */
async function withRoomFor(sessions: number, open: (sessions: number) => Promise<StageEngine>): Promise<StageEngine> {
  try {
    return await open(sessions);
  } catch (error) {
    if (sessions === 1 || !isCoded(error, 'ENGINE_NO_MEMORY')) throw error;
    return withRoomFor(sessions >> 1, open);
  }
}
