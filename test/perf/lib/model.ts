import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateModel } from '../../support/models/index.ts';

/** The shape that benchmarks run when no model is named: about 1B parameters. */
export const GB1 = { layers: 16, hiddenSize: 2048, heads: 32, kvHeads: 8, headSize: 64, feedForward: 8192, vocabSize: 32_000, tied: true };

/** The model named, or a random one of that shape, which is written once. */
export async function benchModel(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const path = join(tmpdir(), 'omninode-bench', 'random-1b-q4_0.gguf');
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) {
    await mkdir(join(path, '..'), { recursive: true });
    await generateModel({ path, architecture: 'llama', type: 'Q4_0', seed: 1, name: 'random 1B', ...GB1 });
  }
  return path;
}
