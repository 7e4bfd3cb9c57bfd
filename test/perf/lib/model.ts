import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateModel, type GenerateOptions } from '../../support/models/index.ts';

/** The shape that benchmarks run when no model is named: about 1B parameters. */
export const GB1 = { layers: 16, hiddenSize: 2048, heads: 32, kvHeads: 8, headSize: 64, feedForward: 8192, vocabSize: 32_000, tied: true };

/** About 20M parameters, for what is about many answers rather than long ones. */
export const SMALL = { layers: 6, hiddenSize: 512, heads: 8, kvHeads: 4, headSize: 64, feedForward: 1536, vocabSize: 4096, tied: true };

/** The model named, or a random one of that shape, which is written once. */
export const benchModel = async (given: string | undefined): Promise<string> =>
  given ?? written('random-1b-q4_0.gguf', { architecture: 'llama', type: 'Q4_0', seed: 1, name: 'random 1B', ...GB1 });

export const smallModel = (type: 'Q8_0' | 'F16' = 'Q8_0'): Promise<string> => written(`random-20m-${type.toLowerCase()}.gguf`, { architecture: 'llama', type, seed: 2, name: 'random 20M', ...SMALL });

async function written(file: string, spec: Omit<GenerateOptions, 'path'>): Promise<string> {
  const path = join(tmpdir(), 'omninode-bench', file);
  if (await stat(path).catch(() => undefined) !== undefined) return path;
  await mkdir(join(path, '..'), { recursive: true });
  await generateModel({ path, ...spec });
  return path;
}
