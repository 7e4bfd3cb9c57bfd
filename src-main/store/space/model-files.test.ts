import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { LocalStore, treeOfFile } from '../index.ts';

let home = '';
let store: LocalStore;
let clock: ManualClock;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-downloads-'));
  clock = new ManualClock(1000);
  store = openStore();
});
afterEach(async () => {
  store.close();
  await rm(home, { recursive: true, force: true });
});

function openStore(quotaBytes?: number): LocalStore {
  return new LocalStore({ folder: join(home, 'store'), ownFolders: [join(home, 'shards')], modelFolder: join(home, 'models'), clock, ...(quotaBytes === undefined ? {} : { quotaBytes }) });
}

const inModels = (name: string): string => join(home, 'models', 'hf', 'me', 'repo', name);

async function added(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  clock.advance(10);
  await store.addModelFile(path, await treeOfFile(path), `from ${path}`);
  return path;
}

const used = async (): Promise<number> => (await store.stats()).usedBytes;
const listed = (): string[] => store.catalog.modelFiles.list().map(({ path }) => path);

describe('a downloaded model', () => {
  it('counts to the quota, is kept until the user lets it go, and goes by last use', async () => {
    const [old, young] = [await added(inModels('old.gguf'), 'old one'), await added(inModels('young.gguf'), 'young')];
    expect([await used(), (await store.stats()).pinnedBytes]).toEqual([12, 12]);
    expect((await store.gc(0)).usedBytes).toBe(12);
    clock.advance(10);
    store.useFiles([old]).release();
    expect(store.catalog.modelFiles.list()).toMatchObject([{ path: old, usedAt: 1030, isPinned: true, isOwned: true, isWhole: true, origin: `from ${old}` }, { path: young, usedAt: 1020 }]);
    store.pinFiles([old, young], false);
    expect((await store.gc(8)).usedBytes).toBe(7);
    expect([existsSync(old), existsSync(young), listed()]).toEqual([true, false, [old]]);
    store.pinFiles([old], true);
    expect((await store.gc(0)).usedBytes).toBe(7);
  });

  it('makes room for itself at the cost of what may go, and is refused when that is too little', async () => {
    store.close();
    store = openStore(20);
    const first = await added(inModels('first.gguf'), 'twelve bytes');
    const coming = [{ path: inModels('coming.gguf'), sizeBytes: 9 }];
    await expect(store.reserve(coming)).rejects.toMatchObject({ code: 'SPACE_QUOTA' });
    store.pinFiles([first], false);
    (await store.reserve(coming)).release();
    expect(existsSync(first)).toBe(false);
  });

  it('is not evicted or removed while it is in use', async () => {
    const path = await added(inModels('m.gguf'), 'in use');
    store.pinFiles([path], false);
    const lease = store.useFiles([path]);
    expect((await store.gc(0)).usedBytes).toBe(6);
    await expect(store.removeFiles([path])).rejects.toMatchObject({ code: 'CATALOG_IN_USE', meta: { pid: process.pid } });
    lease.release();
    expect(await store.removeFiles([path])).toBe(6);
    expect([existsSync(path), listed()]).toEqual([false, []]);
  });

  it('in several files goes with all of them or not at all', async () => {
    const parts = [await added(inModels('m-00001-of-00002.gguf'), 'first'), await added(inModels('m-00002-of-00002.gguf'), 'second')];
    store.pinFiles(parts, false);
    store.catalog.pin(store.catalog.shards.file(parts[1]!)!.cid);
    expect((await store.gc(0)).usedBytes).toBe(11);
    await expect(store.removeFiles(parts)).rejects.toMatchObject({ code: 'SPACE_PINNED' });
    store.pinFiles(parts, false);
    // Half a model is of no use: the second part goes too, though the first alone would be enough.
    expect((await store.gc(8)).usedBytes).toBe(0);
    expect(parts.map(existsSync)).toEqual([false, false]);
  });

  it('of the user\'s own is never deleted, and takes nothing of the quota', async () => {
    const mine = await added(join(home, 'mine', 'm.gguf'), 'my own');
    store.pinFiles([mine], false);
    expect(await store.gc(0)).toEqual({ freedBytes: 0, usedBytes: 0 });
    expect(await store.removeFiles([mine])).toBe(0);
    expect([existsSync(mine), listed()]).toEqual([true, []]);
  });

  it('leaves alone what lies beside it', async () => {
    const path = await added(inModels('m.gguf'), 'listed');
    await writeFile(inModels('put-here.gguf'), 'by the user');
    await writeFile(inModels('next.gguf.part'), 'broken off');
    await writeFile(inModels('gone.gguf.trash'), 'removed by half');
    expect((await store.gc(0)).freedBytes).toBe(15);
    expect((await readdir(dirname(path))).toSorted()).toEqual(['m.gguf', 'next.gguf.part', 'put-here.gguf']);
  });

  it('loses its name when it is found damaged', async () => {
    const path = await added(inModels('m.gguf'), 'right bytes');
    await writeFile(path, 'wrong bytes');
    expect((await store.scrub()).damaged).toMatchObject([{ path, leaves: [0] }]);
    expect([existsSync(path), store.catalog.modelFiles.list()]).toMatchObject([false, [{ path, isWhole: false }]]);
  });
});
