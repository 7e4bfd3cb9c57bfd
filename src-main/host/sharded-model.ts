import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerRange } from '../base/index.ts';
import { cidOfManifest, MANIFEST_FILE, openModelFile, planShards, type Manifest, type ShardPlan, type ShardProgress } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { heldShard } from './held-shard.ts';
import { cutsFolder } from './local-store.ts';
import { findModel, type ModelFile } from './model-file.ts';
import type { AppPaths } from './paths.ts';
import { cutInThread } from './store-thread.ts';
import type { GivenShard, ProgressSink } from './types.ts';

/** A model cut into shards that lie on this disk. */
export interface ShardedModel {
  readonly file: ModelFile;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly manifestCid: string;
  readonly shards: readonly GivenShard[];
  readonly vocabularyPath: string;
}

export interface CutOptions extends ProgressSink {
  readonly paths: AppPaths;
  readonly signal?: AbortSignal | undefined;
  /** Where to write; by default the store in the home folder. */
  readonly folder?: string;
}

/** Cuts a model, or takes up the shards of an earlier cut: cutModel checks them by hash and writes only what is missing. */
export async function shardModelFile(config: HostConfig, options: CutOptions & { readonly model: string; readonly plan: ShardPlan }): Promise<ShardedModel> {
  const file = await findModel(options.model, { paths: options.paths, config });
  const folder = options.folder ?? join(cutsFolder(config.home), await cutKey(file, options.plan));
  const { signal, onStatus, onShare } = options;
  const onProgress = (progress: ShardProgress): void => {
    onStatus?.(describe(progress));
    onShare?.(progress.bytesDone / Math.max(1, progress.bytesTotal));
  };
  const manifest = await cutInThread({ config, model: file.path, folder, plan: options.plan }, {
    workerPath: options.paths.storeWorker, signal, onProgress,
  });
  return { file, folder, manifest, manifestCid: cidOfManifest(manifest), shards: given(manifest, folder), vocabularyPath: join(folder, manifest.vocabulary.file_name) };
}

/** One shard per node. Throws HOST_TOO_MANY_STAGES before anything is written. */
export async function shardForCluster(config: HostConfig, options: CutOptions & { readonly nodes: number }): Promise<ShardedModel> {
  const file = await findModel(config.model, { paths: options.paths, config });
  const layers = await modelLayers(file);
  if (options.nodes > layers) throw hostErrors.tooManyStages({ stages: options.nodes, layers });
  return shardModelFile(config, { ...options, model: config.model, plan: { kind: 'even', shards: options.nodes } });
}

/** The shards that `listen --model --layers` offers: a cut at the ends of the range, so that no more than it is held. */
export async function shardsOf(config: HostConfig, options: CutOptions & { readonly model: string; readonly layers?: LayerRange | undefined }): Promise<readonly GivenShard[]> {
  const total = await modelLayers(await findModel(options.model, { paths: options.paths, config }));
  const { first, last } = options.layers ?? { first: 0, last: total - 1 };
  if (last >= total) throw hostErrors.badRange({ text: `${first}-${last}`, layers: total });
  const at = [first, last + 1].filter((cut) => cut > 0 && cut < total);
  const model = await shardModelFile(config, { ...options, plan: at.length === 0 ? { kind: 'even', shards: 1 } : { kind: 'cuts', at } });
  return model.shards.filter((shard) => shard.layers.first >= first && shard.layers.last <= last);
}

export async function modelLayers(file: ModelFile): Promise<number> {
  const model = await openModelFile(file.path);
  try {
    return planShards(model.piece(), { kind: 'per-layer' }).length;
  } finally {
    await model.close();
  }
}

// By what the file is without reading it; that the content is still the same, cutModel checks.
async function cutKey(file: ModelFile, plan: ShardPlan): Promise<string> {
  const { mtimeMs, size } = await stat(file.path);
  return createHash('sha256').update(JSON.stringify([file.path, size, mtimeMs, plan])).digest('hex').slice(0, 32);
}

function given(manifest: Manifest, folder: string): GivenShard[] {
  const manifestCid = cidOfManifest(manifest);
  return manifest.shards.map((shard) => ({ ...heldShard(manifest, shard, { path: join(folder, shard.file_name), manifestCid }), manifestPath: join(folder, MANIFEST_FILE) }));
}

const describe = ({ bytesDone, bytesTotal }: ShardProgress): string => `cutting the model ${Math.floor((100 * bytesDone) / Math.max(1, bytesTotal))} %`;
