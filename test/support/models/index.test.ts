import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, LlamaLogLevel, type Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutModel } from '../../../src-main/store/index.ts';
import { ARCHITECTURES, generateModel } from './index.ts';

let folder = '';
let llama: Llama;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-models-'));
  llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled });
});
afterAll(async () => {
  await llama.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe('generated models', () => {
  it.each(ARCHITECTURES)('%s: stock llama.cpp answers from it and loads its vocabulary piece', async (architecture) => {
    const path = join(folder, `${architecture}.gguf`);
    await generateModel({ path, architecture, type: 'Q4_K', layers: 3, seed: 11 });
    const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
    const context = await model.createContext({ contextSize: 64, threads: 1 });
    const answer = [];
    for await (const token of context.getSequence().evaluate(model.tokenize('how'), { temperature: 0 })) if (answer.push(token) === 4) break;
    expect(answer).toHaveLength(4);
    const tokens = model.tokenize('how does a node split the model?');
    await model.dispose();
    const shards = join(folder, architecture);
    const manifest = await cutModel({ model: path, folder: shards, plan: { kind: 'per-layer' } });
    const vocabulary = await llama.loadModel({ modelPath: join(shards, manifest.vocabulary.file_name), gpuLayers: 0, vocabOnly: true });
    expect(vocabulary.tokenize('how does a node split the model?')).toEqual(tokens);
    await vocabulary.dispose();
  });

  it('are the same for the same seed and differ for another', async () => {
    const bytes = async (name: string, seed: number): Promise<Buffer> => {
      const path = join(folder, name);
      await generateModel({ path, architecture: 'llama', type: 'Q6_K', layers: 1, seed });
      return readFile(path);
    };
    const [a, b, c] = [await bytes('a', 1), await bytes('b', 1), await bytes('c', 2)];
    expect(a.equals(b)).toBe(true);
    expect(a.equals(c)).toBe(false);
  });
});
