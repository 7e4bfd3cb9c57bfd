import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateModel, seeded } from '../../../test/support/models/index.ts';
import { cutModel, shardJobs } from './cut-model.ts';
import { hashDerived, readDerived, recipeOf, type ReadAt } from './derive.ts';
import { openModelFile } from './open-model.ts';

let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-derive-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

// Tied and own heads, vocabularies of zeros, norms of ones.
it.each(['llama', 'qwen3', 'gemma3', 'gpt-oss'] as const)('gives, of %s, the bytes that cutting would write, from anywhere', async (architecture) => {
  const path = join(folder, `${architecture}.gguf`);
  await generateModel({ path, architecture, type: 'Q8_0', layers: 4, vocabSize: 320 });
  const into = join(folder, architecture);
  const manifest = await cutModel({ model: path, folder: into, plan: { kind: 'per-layer' } });
  const model = await openModelFile(path);
  const bytes = await readFile(path);
  const read: ReadAt = async (from, part, offset) => {
    expect(from).toBe('the model');
    part.set(bytes.subarray(offset, offset + part.length));
  };
  const random = seeded(7);
  for (const [index, { file, fileName }] of shardJobs(model.parts, { kind: 'per-layer' }).entries()) {
    const expected = await readFile(join(into, fileName));
    const recipe = recipeOf(file, () => 'the model');
    const { cid, hash } = await hashDerived(recipe, read);
    expect({ cid, hash }).toEqual({ cid: [...manifest.shards, manifest.vocabulary][index]?.cid, hash: [...manifest.shards, manifest.vocabulary][index]?.blake3_hash });
    for (let window = 0; window < 50; window++) {
      const start = Math.floor(random() * recipe.sizeBytes);
      const part = Buffer.alloc(Math.min(recipe.sizeBytes - start, 1 + Math.floor(random() * 5_000)), 0xee);
      await readDerived(recipe, start, { into: part, read });
      expect(part.equals(expected.subarray(start, start + part.length))).toBe(true);
    }
  }
  await model.close();
});
