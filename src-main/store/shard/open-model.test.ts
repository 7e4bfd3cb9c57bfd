import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateModel, splitModel } from '../../../test/support/models/index.ts';
import { blake3 } from './digest.ts';
import { cutModel, hashModelFiles, openModelFile } from '../index.ts';

let root = '';
let whole = '';
let parts: readonly string[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'omninode-parts-'));
  whole = join(root, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', layers: 5, feedForward: 256, vocabSize: 320 });
  parts = await splitModel(whole, { stem: join(root, 'm'), parts: 3 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

it('cuts a model in several files, named by any of them, into the shards of the whole', async () => {
  const plan = { kind: 'even', shards: 2 } as const;
  const expected = await cutModel({ model: whole, folder: join(root, 'a'), plan });
  const { model_hash: hash, ...manifest } = await cutModel({ model: parts[1] ?? '', folder: join(root, 'b'), plan });
  const { model_hash: wholeHash, ...rest } = expected;
  expect(manifest).toEqual(rest);
  expect(hash).not.toBe(wholeHash);
  const hasher = blake3();
  for (const part of parts) hasher.update(await readFile(part));
  expect(hash).toBe(hasher.hex());
  expect(await hashModelFiles(parts[2] ?? '')).toBe(hash);
});

it('refuses parts that are missing or in the wrong order', async () => {
  const [first = '', second = '', third = ''] = parts;
  await rename(third, `${third}.away`);
  await expect(openModelFile(first)).rejects.toMatchObject({ code: 'SHARD_SPLIT_MODEL' });
  await rename(second, third);
  await rename(`${third}.away`, second);
  const model = await openModelFile(first);
  expect(() => model.piece()).toThrow(expect.objectContaining({ code: 'SHARD_SPLIT_MODEL' }));
  await model.close();
});
