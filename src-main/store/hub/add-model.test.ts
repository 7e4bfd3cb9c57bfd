import { access, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateModel, splitModel } from '../../../test/support/models/index.ts';
import { Catalog, fileSource, openGguf } from '../index.ts';
import { addModel, planAdd, type AddedFile, type AddOptions, type AddPlan, type AddProgress, type AddModelOptions, type ShelvedFile } from './add-model.ts';
import { choicesOf, chooseModel } from './choose.ts';
import { readCurated, searchCurated } from './curated.ts';
import { modelFacts } from './facts.ts';
import { parseReference } from './reference.ts';
import { HubServer } from './testing/hub-server.ts';

let hub: HubServer;
let source = '';
let folder = '';
let bytes: Buffer;
beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'omninode-hub-models-'));
  const whole = join(source, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', layers: 6, feedForward: 256, vocabSize: 320, name: 'Small Test' });
  const parts = await splitModel(whole, { stem: join(source, 'big-Q8_0'), parts: 3 });
  bytes = await readFile(whole);
  hub = await HubServer.start();
  hub.repos.set('me/many', { files: { 'a-Q4_K.gguf': bytes, 'a-Q4_K_M.gguf': bytes, 'mmproj-F16.gguf': bytes, 'imatrix.gguf': bytes } });
  hub.repos.set('me/parts', { files: Object.fromEntries(await Promise.all(parts.map(async (path) => [`Q8/${basename(path)}`, await readFile(path)] as const))) });
});
afterAll(async () => {
  await hub.stop();
  await rm(source, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-hub-home-'));
  hub.stored.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (): AddOptions => ({ hubUrl: hub.url, folder });
const plan = (text: string): Promise<AddPlan> => planAdd(parseReference(text, hub.url), options());
const add = async (planned: AddPlan, more: Partial<AddModelOptions> = {}): Promise<{ readonly added: AddedFile[]; readonly shelved: ShelvedFile[] }> => {
  const shelved: ShelvedFile[] = [];
  const catalog = new Catalog(join(folder, 'catalog.db'));
  const { files: added } = await addModel(planned, { shelf: { add: async (file) => void shelved.push(file) }, leases: catalog.leases, ...more }).finally(() => catalog.close());
  return { added, shelved };
};

describe('a model of the hub', () => {
  it('is known by its header before anything is downloaded', async () => {
    const planned = await plan('hf:me/many:Q4_K_M');
    expect(planned).toMatchObject({ name: 'a-Q4_K_M', sizeBytes: bytes.length, facts: { name: 'Small Test', architecture: 'llama', quantization: 'Q8_0', layers: 6 } });
    expect(planned.facts.split).toHaveLength(6);
    expect(hub.stored.every(({ range }) => Number(/-(\d+)$/.exec(range)?.[1]) < bytes.length - 1)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it('arrives in a folder of its repository and is shelved with its tree', async () => {
    const { added, shelved } = await add(await plan('hf:me/many/a-Q4_K_M.gguf'));
    const path = join(folder, 'hf', 'me', 'many', 'a-Q4_K_M.gguf');
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(shelved).toMatchObject([{ path, isOwned: true, origin: `hf:me/many@${'c'.repeat(40)}/a-Q4_K_M.gguf`, tree: { sizeBytes: bytes.length } }]);
    expect(added[0]?.resumedBytes).toBe(0);
  });

  it('is not fetched again when it is here, but when what is here is not it', async () => {
    const planned = await plan('hf:me/many:Q4_K');
    const { added: [first] } = await add(planned);
    hub.stored.length = 0;
    const { added: [again], shelved } = await add(planned);
    expect(hub.stored).toEqual([]);
    expect(again?.tree.cid).toBe(first?.tree.cid);
    expect(shelved).toHaveLength(1);
    await writeFile(planned.files[0].target, Buffer.alloc(bytes.length));
    await add(planned);
    expect((await readFile(planned.files[0].target)).equals(bytes)).toBe(true);
  });

  it('in parts comes whole, and the parts tell what the whole would', async () => {
    const planned = await plan('hf:me/parts');
    const told: AddProgress[] = [];
    const { added } = await add(planned, { onProgress: (progress) => told.push(progress) });
    expect(added.map(({ path }) => basename(path))).toEqual(['big-Q8_0-00001-of-00003.gguf', 'big-Q8_0-00002-of-00003.gguf', 'big-Q8_0-00003-of-00003.gguf']);
    expect(new Set(told.map(({ part, parts }) => `${part}/${parts}`))).toEqual(new Set(['1/3', '2/3', '3/3']));
    const file = await fileSource(join(source, 'whole.gguf'));
    expect(planned.facts).toEqual(modelFacts([await openGguf(file)]));
    await file.close();
  });

  it('is refused when it would not find room, before the first part', async () => {
    const planned = await plan('hf:me/parts');
    hub.stored.length = 0;
    await expect(add(planned, { files: { freeBytes: async () => planned.sizeBytes - 1 } })).rejects.toMatchObject({ code: 'HUB_DISK_FULL' });
    expect(hub.stored).toEqual([]);
  });
});

describe('a choice', () => {
  const file = (path: string) => ({ path, sizeBytes: 1 });

  it('is asked for where a repository has several models', async () => {
    await expect(plan('hf:me/many')).rejects.toMatchObject({ code: 'HUB_CHOOSE_FILE', meta: { choices: ['a-Q4_K', 'a-Q4_K_M'] } });
    await expect(plan('hf:me/many:Q9')).rejects.toMatchObject({ code: 'HUB_NO_SUCH_FILE' });
    await expect(plan('hf:me/many/none.gguf')).rejects.toMatchObject({ code: 'HUB_NO_SUCH_FILE' });
    const reference = { kind: 'hub', repo: 'a/b', revision: 'main' } as const;
    expect(() => chooseModel(reference, [file('mmproj-x.gguf')])).toThrow(expect.objectContaining({ code: 'HUB_NO_MODEL_FILES' }));
    expect(() => chooseModel({ ...reference, file: 'm-00001-of-00002.gguf' }, [file('m-00001-of-00002.gguf')])).toThrow(expect.objectContaining({ code: 'HUB_MISSING_PART' }));
  });

  it('counts parts as one model, and leaves out one with parts missing', () => {
    const choices = choicesOf(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf', 'n-00001-of-00002.gguf', 'o.gguf', 'sub/mmproj-o.gguf'].map(file));
    expect(choices.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([['m', 2], ['o', 1]]);
  });
});

describe('other sources', () => {
  it('an address: all parts from beside it', async () => {
    const name = 'big-Q8_0-00002-of-00003.gguf';
    const planned = await planAdd({ kind: 'url', url: `${hub.storageUrl}/me/parts/Q8%2F${name}` }, options()).catch((error: unknown) => error);
    expect(planned).toMatchObject({ code: 'HUB_BAD_REFERENCE' });
    hub.repos.set('me/flat', { files: Object.fromEntries(Object.entries(hub.repos.get('me/parts')?.files ?? {}).map(([path, part]) => [basename(path), part])) });
    const flat = await plan(`${hub.storageUrl}/me/flat/${name}?signature=secret`);
    const { shelved } = await add(flat);
    expect(shelved).toHaveLength(3);
    expect(JSON.stringify(shelved)).not.toContain('secret');
    expect(shelved[0]?.path).toBe(join(folder, 'web', '127.0.0.1', 'big-Q8_0-00001-of-00003.gguf'));
  });

  it('a file here stays where it is', async () => {
    const { shelved } = await add(await plan(join(source, 'whole.gguf')));
    expect(shelved).toMatchObject([{ path: join(source, 'whole.gguf'), isOwned: false, tree: { sizeBytes: bytes.length } }]);
    expect(await access(join(folder, 'hf')).then(() => true, () => false)).toBe(false);
  });

  it('what is no model is refused', async () => {
    const path = join(folder, 'x.gguf');
    await writeFile(path, 'no model');
    await expect(plan(path)).rejects.toMatchObject({ code: 'GGUF_BAD_MAGIC' });
    await writeFile(path, bytes);
    await truncate(path, bytes.length - 1);
    await expect(plan(path)).rejects.toMatchObject({ code: 'GGUF_TENSOR_OUT_OF_FILE' });
    await expect(plan(join(folder, 'none.gguf'))).rejects.toMatchObject({ code: 'STORE_READ_FAILED' });
  });
});

describe('the curated list', () => {
  const path = join(import.meta.dirname, '..', '..', '..', 'resources', 'models', 'curated.json');

  it('is sound, and found by words', async () => {
    const list = await readCurated(path);
    expect(new Set(list.models.map(({ repo, file }) => `${repo}/${file}`)).size).toBe(list.models.length);
    for (const { repo, file } of list.models) expect(parseReference(`hf:${repo}/${file}`, hub.url)).toMatchObject({ repo, file });
    expect(searchCurated(list, 'QWEN3 8b').map(({ name }) => name)).toContain('Qwen3 8B');
    expect(searchCurated(list, 'nothing like this')).toEqual([]);
  });

  it('is refused when it is not', async () => {
    const wrong = join(folder, 'list.json');
    for (const text of ['', '{}', '{"version":1,"asOf":"2026-01-01","note":"","models":[{"name":"x","repo":"a/b","file":"../x.gguf","sizeBytes":1,"architecture":"llama"}]}']) {
      await writeFile(wrong, text);
      await expect(readCurated(wrong)).rejects.toMatchObject({ code: 'HUB_BAD_LIST' });
    }
    await expect(readCurated(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'HUB_BAD_LIST' });
  });
});
