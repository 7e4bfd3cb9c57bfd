import { toCoded } from '../../base/index.ts';
import type { NativeAddon } from '../../../native/index.d.ts';
import type { StageEngine, StageLoadOptions } from '../engine/types.ts';
import type { WorkerOptions } from '../engine/worker-client.ts';
import { fromNative } from '../errors.ts';
import { checkMemory } from '../memory/check-memory.ts';
import { loadAddon } from './load-addon.ts';
import { createNativeEngine } from './native-engine.ts';

let addon: NativeAddon | undefined;

/**
 * A stage in this very process, for a process that is itself a supervised child and does nothing else: a node of a
 * cluster. It saves two hops between processes per token; a crash of llama.cpp is the loss of the node.
 */
export async function createOwnProcessEngine(options: StageLoadOptions, { nativePath, librariesFolder }: Pick<WorkerOptions, 'nativePath' | 'librariesFolder'>): Promise<StageEngine> {
  await checkMemory(options);
  addon ??= initialised(nativePath, librariesFolder);
  return createNativeEngine(addon, options);
}

function initialised(nativePath: string, librariesFolder: string): NativeAddon {
  const loaded = loadAddon(nativePath);
  try {
    loaded.init(librariesFolder);
    return loaded;
  } catch (error) {
    throw error instanceof Error && 'nativeCode' in error ? fromNative(error) : toCoded(error);
  }
}
