import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { treeOfFile, type StoredModelFile } from '../store/index.ts';
import { openStore } from './local-store.ts';
import { findModel } from './model-file.ts';
import { localModels, matchModels } from './named-models.ts';
import { appPaths } from './paths.ts';

const HUB = 'https://huggingface.co';
const COMMIT = 'c'.repeat(40);

function stored(origin: string, index: number): StoredModelFile {
  const [, repo, file] = /^hf:([^@]+)@[^/]+\/(.*)$/.exec(origin) ?? [];
  const path = repo === undefined ? origin : `/home/models/hf/${repo}/${file}`;
  return { path, origin, cid: `bafkr4i${String(index).padStart(52, 'abcdef')}` as StoredModelFile['cid'], sizeBytes: 10, usedAt: index, isPinned: true, isOwned: repo !== undefined, isWhole: true };
}

const models = localModels([
  `hf:Qwen/Qwen3-8B-GGUF@${COMMIT}/Qwen3-8B-Q4_K_M.gguf`, `hf:Qwen/Qwen3-8B-GGUF@${COMMIT}/Qwen3-8B-Q8_0.gguf`,
  `hf:me/copies@${COMMIT}/Qwen3-8B-Q8_0.gguf`, `hf:big/one@${COMMIT}/Q4/big-00001-of-00002.gguf`, `hf:big/one@${COMMIT}/Q4/big-00002-of-00002.gguf`, '/mine/tiny.gguf',
].map(stored));
const found = (text: string): string[] => matchModels(text, models, HUB).map(({ reference }) => reference);

describe('names of models', () => {
  it('are the file\'s where that is one model\'s alone, and cover all parts', () => {
    expect(models.map(({ name, files }) => [name, files.length])).toEqual([
      ['Qwen3-8B-Q4_K_M', 1], ['big', 2], ['hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q8_0.gguf', 1], ['hf:me/copies/Qwen3-8B-Q8_0.gguf', 1], ['tiny', 1],
    ]);
  });

  const q4 = 'hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf';
  const q8 = 'hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q8_0.gguf';
  const copy = 'hf:me/copies/Qwen3-8B-Q8_0.gguf';
  it.each<[string, readonly string[]]>([
    ['Qwen3-8B-Q4_K_M', [q4]], ['Qwen3-8B-Q4_K_M.gguf', [q4]], [q4, [q4]], ['hf:qwen/qwen3-8b-gguf:q4_k_m', [q4]], ['hf:Qwen/Qwen3-8B-GGUF:Q4_K', []],
    ['hf:Qwen/Qwen3-8B-GGUF:Q8_0', [q8]], ['hf:Qwen/Qwen3-8B-GGUF', [q4, q8]], [`hf:Qwen/Qwen3-8B-GGUF@${COMMIT}:Q8_0`, [q8]], ['hf:Qwen/Qwen3-8B-GGUF@other:Q8_0', []],
    ['Qwen3-8B-Q8_0', [q8, copy]], ['qwen3-8b-q4', [q4]], ['Qwen3', [q4, q8, copy]], ['hf:me/', [copy]],
    ['big', ['hf:big/one/Q4/big-00001-of-00002.gguf']], ['big-00002-of-00002.gguf', ['hf:big/one/Q4/big-00001-of-00002.gguf']], ['hf:big/one/Q4/big-00002-of-00002.gguf', ['hf:big/one/Q4/big-00001-of-00002.gguf']],
    ['/mine/tiny.gguf', ['/mine/tiny.gguf']], ['ti', ['/mine/tiny.gguf']], [models[0]!.files[0].cid, [q4]], [models[0]!.files[0].cid.slice(0, 6), []], ['none', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('findModel', () => {
  let home = '';
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'omninode-names-'));
    const store = openStore({ home });
    for (const file of ['a/x/same-Q4_0.gguf', 'a/y/same-Q4_0.gguf', 'a/x/other.gguf']) {
      const path = join(home, 'models', 'hf', file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file);
      await store.addModelFile(path, await treeOfFile(path), `hf:${file.replace(/^(\w+\/\w+)/, `$1@${COMMIT}`)}`);
    }
    store.close();
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const find = (model: string, at = home) => findModel(model, { paths: appPaths(), config: { home: at, hubUrl: HUB } });

  it('takes a listed name, notes the use and keeps the file from being removed', async () => {
    const path = join(home, 'models', 'hf', 'a', 'x', 'other.gguf');
    const before = Date.now();
    expect(await find('oth')).toEqual({ name: 'other.gguf', path, sizeBytes: 14, isBuiltIn: false });
    const store = openStore({ home });
    const listed = store.catalog.modelFiles.list().find((file) => file.path === path)!;
    expect([listed.usedAt >= before, store.catalog.leases.holder(listed.cid)]).toEqual([true, process.pid]);
    store.close();
  });

  it('says what there is when a name means none or several', async () => {
    await expect(find('same-Q4_0')).rejects.toMatchObject({ code: 'HOST_MODEL_AMBIGUOUS', meta: { candidates: ['hf:a/x/same-Q4_0.gguf', 'hf:a/y/same-Q4_0.gguf'] } });
    await expect(find('absent')).rejects.toMatchObject({ code: 'HOST_MODEL_NOT_FOUND', meta: { known: ['omni-guide', 'hf:a/x/same-Q4_0.gguf', 'hf:a/y/same-Q4_0.gguf', 'other'] }, next: expect.stringContaining('omninode model add') });
    await expect(find('absent', join(home, 'nothing'))).rejects.toMatchObject({ code: 'HOST_MODEL_NOT_FOUND' });
  });

  it('still takes the built-in one and paths', async () => {
    expect(await find('omni-guide')).toMatchObject({ isBuiltIn: true });
    expect(await find(join(home, 'models', 'hf', 'a', 'y', 'same-Q4_0.gguf'))).toMatchObject({ name: 'same-Q4_0.gguf', isBuiltIn: false });
  });
});
