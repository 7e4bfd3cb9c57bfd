import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { asManifestCid, isCoded, type LayerRange, type Logger } from '../base/index.ts';
import { availableBytes, createOwnProcessEngine, createWorkerEngine, type StageEngine, type WorkerOptions } from '../inference/index.ts';
import { cheapestCover, type Machine, type StageLoadRequest, type StageOffer, type StageSource } from '../pipeline/index.ts';
import { composeStage } from '../store/index.ts';
import type { StageLimits } from './contribute/gate.ts';
import { MemoryBudget } from './contribute/memory-budget.ts';
import { hostErrors } from './errors.ts';
import type { StoreFetcher } from './layer-fetcher.ts';
import { memorySpeed } from './memory-speed.ts';
import { threadsFor } from './threads.ts';
import type { HeldShard } from './types.ts';

export interface StageSourceOptions {
  readonly home: string;
  /** What a stage may take of this machine, at the moment when it is loaded. */
  readonly limits: () => StageLimits;
  readonly worker: WorkerOptions;
  readonly shards: readonly HeldShard[];
  /** Brings more of them. */
  readonly fetcher: StoreFetcher;
  /** `own`: this process is a supervised child that does nothing else, so that llama.cpp may run in it. */
  readonly process: 'own' | 'worker';
  readonly logger: Logger;
}

/** Stages from the shards that this node was given, or fetched; it has no way to load any other layer. */
export function createStageSource(options: StageSourceOptions): StageSource {
  const budget = new MemoryBudget(() => options.limits().memoryBytes);
  return {
    offers: async () => offersOf(heldBy(options)),
    machine: () => machine(options, budget),
    load: (request) => load({ ...options, budget }, request),
    fetcher: options.fetcher,
    unloaded: ({ modelHash, layers }) => {
      budget.release(keyOf(modelHash, layers));
      options.fetcher.unloaded(modelHash, layers);
    },
  };
}

type Loading = StageSourceOptions & { readonly budget: MemoryBudget };

const keyOf = (modelHash: string, { first, last }: LayerRange): string => `${modelHash}/${first}-${last}`;

const heldBy = ({ shards, fetcher }: StageSourceOptions): HeldShard[] => [...shards, ...fetcher.held()];

async function machine({ limits }: StageSourceOptions, budget: MemoryBudget): Promise<Machine> {
  const { gpuLayers } = limits();
  // A guess before the first stage is loaded; its speed is measured then.
  const backend = gpuLayers !== 0 && process.platform === 'darwin' ? 'metal' : 'cpu';
  return { backend, freeBytes: Math.min(await availableBytes(), budget.freeBytes), memoryBytesPerSecond: await memorySpeed() };
}

function offersOf(shards: readonly HeldShard[]): StageOffer[] {
  const models = Map.groupBy(shards, (shard) => shard.modelHash);
  return [...models.values()].flatMap((held) => {
    const [any] = held;
    if (any === undefined) return [];
    const { modelHash, architecture, totalLayers, hiddenSize } = any;
    // Told only where it stands for all of them.
    const cut = held.every(({ manifestCid }) => manifestCid === any.manifestCid) ? { manifestCid: asManifestCid(any.manifestCid) } : {};
    return [{ modelHash, ...cut, architecture, totalLayers, hiddenSize, shards: held.map(({ layers, sizeBytes }) => ({ layers, sizeBytes })) }];
  });
}

async function load(options: Loading, request: StageLoadRequest): Promise<StageEngine> {
  const { fetcher } = options;
  const { modelHash, layers } = request;
  fetcher.loading(modelHash, layers);
  try {
    return await loadHeld(options, request);
  } catch (error) {
    fetcher.unloaded(modelHash, layers);
    throw error;
  }
}

async function loadHeld(source: Loading, request: StageLoadRequest): Promise<StageEngine> {
  const { home, limits, worker, logger, process, budget } = source;
  const { modelHash, layers, signal } = request;
  const parts = cheapestCover([], heldBy(source).filter((shard) => shard.modelHash === modelHash), layers)?.fetch;
  if (parts === undefined) throw hostErrors.shardNotHeld({ modelHash, layers: `${layers.first}-${layers.last}` });
  const outputPath = join(home, 'stages', `${modelHash.slice(0, 32)}-${layers.first}-${layers.last}.gguf`);
  const stage = await composeStage({ shards: parts.map((part) => part.path), outputPath, signal });
  const { isFirst, isLast, contextTokens, maxSessions, batchTokens } = request;
  const { size } = await stat(stage.path);
  const { threads: most, gpuLayers } = limits();
  const threads = threadsFor(most, availableParallelism(), size);
  logger.info({ layers, path: stage.path }, 'loading stage');
  const options = { path: stage.path, layers, isFirst, isLast, contextTokens, batchTokens, threads, gpuLayers };
  // Nodes of a cluster take turns on the same processors.
  const open = (sessions: number): Promise<StageEngine> => (process === 'own' ? createOwnProcessEngine({ ...options, maxSessions: sessions, pinThreads: true }, worker) : createWorkerEngine({ ...options, maxSessions: sessions }, worker));
  return budget.load(keyOf(modelHash, layers), size, () => withRoomFor(maxSessions, (sessions) => open(sessions).then((engine) => budget.checked(engine))));
}

/** As many sessions as memory has room for: each has a KV cache of its own, which is set aside when the stage loads. */
async function withRoomFor(sessions: number, open: (sessions: number) => Promise<StageEngine>): Promise<StageEngine> {
  try {
    return await open(sessions);
  } catch (error) {
    if (sessions === 1 || !(isCoded(error, 'ENGINE_NO_MEMORY') || isCoded(error, 'HOST_MEMORY_LIMIT'))) throw error;
    return withRoomFor(sessions >> 1, open);
  }
}
