import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { LayerRange } from '../../src-main/base/index.ts';
import { createWorkerEngine, findLibraries, type StageEngine, type StageLoadOptions, type WorkerOptions } from '../../src-main/inference/index.ts';
import { createNativeEngine } from '../../src-main/inference/worker/native-engine.ts';
import { cutStage } from '../../src-main/store/index.ts';
import type { StageRequest } from './stage-engine.ts';

const root = join(import.meta.dirname, '..', '..');
export const nativePath = join(root, 'native', 'build', 'Release', 'omninode.node');
export const guideModel = join(root, 'resources', 'models', 'omni-guide.gguf');
export const worker: WorkerOptions = { workerPath: join(root, 'src-main', 'inference', 'worker', 'main.ts'), nativePath, librariesFolder: findLibraries() };

type NativeAddon = Parameters<typeof createNativeEngine>[0];
let loaded: NativeAddon | undefined;

/** The addon in this process: no start-up cost per stage, but a crash would end the tests. */
export function addon(): NativeAddon {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)(nativePath) as NativeAddon;
    loaded.init(worker.librariesFolder);
  }
  return loaded;
}

export type StageMaker = (request: StageRequest) => Promise<StageEngine>;

/** Cuts the asked layers out of a model into `folder`, then loads them. */
export function stagesOf(model: string, folder: string, load: (options: StageLoadOptions) => Promise<StageEngine>): StageMaker {
  return async (request) => {
    const { layers } = request;
    const { path } = await cutStage({ model, layers, outputPath: join(folder, `stage-${layers.first}-${layers.last}.gguf`) });
    return load({ ...request, path, threads: 1, gpuLayers: 0 });
  };
}

export const inProcess = (options: StageLoadOptions): Promise<StageEngine> => createNativeEngine(addon(), options);
export const inWorker = (options: StageLoadOptions): Promise<StageEngine> => createWorkerEngine(options, worker);

/** `count` ranges that cover all layers, as even as can be. */
export function evenly(totalLayers: number, count: number): LayerRange[] {
  const edge = (i: number): number => Math.floor((i * totalLayers) / count);
  return Array.from({ length: count }, (_, i) => ({ first: edge(i), last: edge(i + 1) - 1 }));
}
