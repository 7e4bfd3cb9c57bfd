import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isCoded } from '../base/index.ts';
import { modelFiles, partsOf } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { hostErrors } from './errors.ts';
import { catalogPath, withStore } from './local-store.ts';
import type { AppPaths } from './paths.ts';
import { resolveModel } from './resolve-model.ts';

export const BUILT_IN_MODEL = 'omni-guide';

export interface ModelFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly isBuiltIn: boolean;
}

export interface FindModelOptions {
  readonly paths: AppPaths;
  readonly config: Pick<HostConfig, 'home' | 'hubUrl' | 'storeQuotaBytes'>;
}

/**
 * A model by the name of the one inside, by the path of its file or one of its files, or by what `model ls` calls it. One
 * that the store lists is in use until this process ends, so that it is not removed meanwhile.
 * Throws HOST_MODEL_NOT_FOUND, HOST_MODEL_AMBIGUOUS, HOST_MODEL_ONLY_SHARDS, SHARD_SPLIT_MODEL.
 */
export async function findModel(model: string, { paths, config }: FindModelOptions): Promise<ModelFile> {
  if (model === BUILT_IN_MODEL) return described(join(paths.models, `${BUILT_IN_MODEL}.gguf`), model);
  const path = resolve(model);
  const isPath = (await stat(path).catch(() => undefined))?.isFile() === true;
  // Nothing is created for a model that needs no store.
  const hasStore = existsSync(catalogPath(config.home));
  if (isPath) {
    if (hasStore) await noteUse(config, path);
    return described(path, model);
  }
  const listed = hasStore ? await inStore(config, model) : undefined;
  if (listed === undefined) throw hostErrors.modelNotFound({ model, known: [BUILT_IN_MODEL] });
  return described(listed, model);
}

function inStore(config: FindModelOptions['config'], model: string): Promise<string | undefined> {
  return withStore(config, (store) => {
    const files = resolveModel(store, model, { hubUrl: config.hubUrl, builtIn: BUILT_IN_MODEL });
    store.useFiles(files);
    return files[0];
  });
}

// A file that was named by its path is run also where the catalogue cannot be used.
async function noteUse(config: FindModelOptions['config'], path: string): Promise<void> {
  await withStore(config, (store) => store.useFiles(partsOf(path))).catch((error: unknown) => {
    if (!isCoded(error)) throw error;
  });
}

async function described(path: string, model: string): Promise<ModelFile> {
  const isBuiltIn = model === BUILT_IN_MODEL;
  // llama.cpp wants the first of several files.
  const files = await modelFiles(path);
  const sizes = await Promise.all(files.map((file) => stat(file).then(({ size }) => size)));
  return { name: isBuiltIn ? BUILT_IN_MODEL : basename(files[0]), path: files[0], sizeBytes: sizes.reduce((sum, bytes) => sum + bytes, 0), isBuiltIn };
}
