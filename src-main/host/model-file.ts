import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { modelFiles } from '../store/index.ts';
import { hostErrors } from './errors.ts';
import type { AppPaths } from './paths.ts';

export const BUILT_IN_MODEL = 'omni-guide';

export interface ModelFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly isBuiltIn: boolean;
}

/** A model by the name of the one inside, or by the path of its file or one of its files. Throws HOST_MODEL_NOT_FOUND, SHARD_SPLIT_MODEL. */
export async function findModel(model: string, paths: AppPaths): Promise<ModelFile> {
  const isBuiltIn = model === BUILT_IN_MODEL;
  const path = isBuiltIn ? join(paths.models, `${BUILT_IN_MODEL}.gguf`) : resolve(model);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw hostErrors.modelNotFound({ model, known: [BUILT_IN_MODEL] });
  // llama.cpp wants the first of several files.
  const files = await modelFiles(path);
  const sizes = await Promise.all(files.map((file) => stat(file).then(({ size }) => size)));
  return { name: isBuiltIn ? BUILT_IN_MODEL : basename(files[0]), path: files[0], sizeBytes: sizes.reduce((sum, bytes) => sum + bytes, 0), isBuiltIn };
}
