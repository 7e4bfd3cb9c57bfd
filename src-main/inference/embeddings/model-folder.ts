import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { embedErrors } from './errors.ts';
import { MAX_FILE_BYTES } from './limits.ts';

/** What the weights are: full precision, or 8-bit integers, as transformers.js names them. */
export type WeightType = 'fp32' | 'q8';

export const JSON_FILES = ['config.json', 'tokenizer_config.json', 'tokenizer.json'] as const;
export const WEIGHT_FILES: Readonly<Record<WeightType, string>> = { fp32: 'onnx/model.onnx', q8: 'onnx/model_quantized.onnx' };

export interface ModelFolder {
  readonly folder: string;
  readonly weights: WeightType;
  readonly weightPath: string;
}

/** Looks whether a folder has the files of a model; of two kinds of weights it takes full precision. Throws EMBED_MISSING_FILE, EMBED_FILE_TOO_LARGE. */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const folder = resolve(path);
  for (const file of JSON_FILES) {
    if (!(await hasFile(folder, file, MAX_FILE_BYTES[file]))) throw embedErrors.missingFile({ folder, file });
  }
  for (const weights of ['fp32', 'q8'] as const) {
    const file = WEIGHT_FILES[weights];
    if (await hasFile(folder, file, MAX_FILE_BYTES.weights)) return { folder, weights, weightPath: join(folder, file) };
  }
  throw embedErrors.missingFile({ folder, file: WEIGHT_FILES.fp32 });
}

async function hasFile(folder: string, file: string, limitBytes: number): Promise<boolean> {
  const found = await stat(join(folder, file)).catch(() => undefined);
  if (found?.isFile() !== true) return false;
  if (found.size > limitBytes) throw embedErrors.fileTooLarge({ file: join(folder, file), limitBytes });
  return true;
}
