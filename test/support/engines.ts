import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NativeAddon } from '../../native/index.d.ts';
import { createNativeEngine } from '../../src-main/inference/worker/native-engine.ts';
import { findLibraries, GREEDY, type ActivationDtype, type SamplingOptions, type StageEngine, type StageInput, type WorkerOptions } from '../../src-main/inference/index.ts';
import type { Manifest } from '../../src-main/store/index.ts';

const root = join(import.meta.dirname, '..', '..');

/** Child processes as the product has them, run from the sources. */
export const workerOptions = (): WorkerOptions => ({
  workerPath: join(root, 'src-main', 'inference', 'worker', 'main.ts'),
  nativePath: join(root, 'native', 'build', 'Release', 'omninode.node'),
  librariesFolder: findLibraries(),
});

let addon: NativeAddon | undefined;

/** The addon in this very process: quick, and a crash ends the test run. */
export function nativeAddon(): NativeAddon {
  if (addon === undefined) {
    const { nativePath, librariesFolder } = workerOptions();
    addon = createRequire(import.meta.url)(nativePath) as NativeAddon;
    addon.init(librariesFolder);
  }
  return addon;
}

export const builtInModel = join(root, 'resources', 'models', 'omni-guide.gguf');

export const LOAD = { contextTokens: 512, maxSessions: 1, batchTokens: 256, threads: 1, gpuLayers: 0 } as const;

/** One engine per shard of a cut, in order. */
export async function loadChain(folder: string, manifest: Manifest): Promise<StageEngine[]> {
  const chain: StageEngine[] = [];
  for (const { file_name, layer_range: [first, last], includes_embedding, includes_head } of manifest.shards) {
    chain.push(await createNativeEngine(nativeAddon(), { ...LOAD, path: join(folder, file_name), layers: { first, last }, isFirst: includes_embedding, isLast: includes_head }));
  }
  return chain;
}

export interface ChainRun {
  readonly prompt: readonly number[];
  readonly tokens: number;
  readonly dtype: ActivationDtype;
  readonly sampling?: SamplingOptions;
}

/** Tokens of a prompt through engines by hand, without a pipeline. */
export async function runChain(chain: readonly StageEngine[], { prompt, tokens, dtype, sampling = GREEDY }: ChainRun): Promise<number[]> {
  const sessions = await Promise.all(chain.map((engine) => engine.open(sampling)));
  const out: number[] = [];
  let rows = [...prompt];
  for (let position = 0; out.length < tokens; position += rows.length, rows = out.slice(-1)) {
    let input: StageInput = { kind: 'tokens', tokens: Int32Array.from(rows) };
    for (const [index, engine] of chain.entries()) {
      const want = index === chain.length - 1 ? { kind: 'sample' as const } : { kind: 'hidden' as const, dtype };
      const { outputs: [result] } = await engine.forward([{ session: sessions[index] ?? -1, position, input, want }]);
      if (result?.kind === 'hidden') input = result;
      else if (result?.kind === 'sampled') out.push(result.token);
    }
  }
  for (const [index, engine] of chain.entries()) await engine.close(sessions[index] ?? -1);
  return out;
}

/** Index of the first difference; -1 when equal. */
export const firstDifference = (a: readonly number[], b: readonly number[]): number => a.findIndex((token, index) => token !== b[index]);
