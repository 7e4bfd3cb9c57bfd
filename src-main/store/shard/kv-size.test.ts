import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ARCHITECTURES, generateModel } from '../../../test/support/models/index.ts';
import { openGguf } from '../gguf/reader.ts';
import { fileSource } from '../gguf/source.ts';
import { kvValuesPerToken } from './kv-size.ts';
import { pieceOfModel } from './read-piece.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-kv-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(ARCHITECTURES)('knows the KV cache of a %s model, by layer', async (architecture) => {
  const path = join(folder, `${architecture}.gguf`);
  await generateModel({ path, architecture, type: 'F16', layers: 4, hiddenSize: 128, heads: 4, kvHeads: 2, headSize: 32, seed: 1 });
  const source = await fileSource(path);
  const values = kvValuesPerToken(pieceOfModel(await openGguf(source)));
  await source.close();
  expect(values).toEqual([128, 128, 128, 128]);
});
