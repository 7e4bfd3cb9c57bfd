import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { hostErrors } from './errors.ts';
import type { AppPaths } from './paths.ts';

export const BUILT_IN_MODEL = 'omni-guide';

export interface ModelFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly isBuiltIn: boolean;
}

/** A model by the name of the one inside, or by path. Throws HOST_MODEL_NOT_FOUND. */
export async function findModel(model: string, paths: AppPaths): Promise<ModelFile> {
  const isBuiltIn = model === BUILT_IN_MODEL;
  const path = isBuiltIn ? join(paths.models, `${BUILT_IN_MODEL}.gguf`) : resolve(model);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw hostErrors.modelNotFound({ model, known: [BUILT_IN_MODEL] });
  return { name: isBuiltIn ? BUILT_IN_MODEL : basename(path), path, sizeBytes: found.size, isBuiltIn };
}
