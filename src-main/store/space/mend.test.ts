import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateModel } from '../../../test/support/models/index.ts';
import { asPeerId } from '../../base/index.ts';
import { bufferSource, cutModel, hashTree, LocalStore, treeOfFile, type HashedTree, type Manifest, type MendReport } from '../index.ts';

let home = '';
let reports: MendReport[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-mend-'));
  reports = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

const catalogPath = (): string => join(home, 'store', 'catalog.db');
const openStore = (): LocalStore =>
  new LocalStore({ folder: join(home, 'store'), ownFolders: [join(home, 'shards')], modelFolder: join(home, 'models'), onMended: (report) => void reports.push(report) });

interface Filled {
  readonly manifest: Manifest;
  readonly fetched: HashedTree;
  readonly model: string;
}

/** A store with a cut, a fetched shard, a downloaded model, pins, and enough announcements to fill pages. */
async function filled(store: LocalStore): Promise<Filled> {
  const source = join(home, 'mine.gguf');
  await generateModel({ path: source, architecture: 'llama', type: 'Q8_0', layers: 4, feedForward: 256, vocabSize: 320 });
  const manifest = await cutModel({ model: source, folder: join(home, 'shards', 'cut'), plan: { kind: 'per-layer' }, onPiece: (path, tree) => store.add(path, tree) });
  store.catalog.pin(store.addModel(manifest, source));
  const bytes = Buffer.alloc(100_000, 'fetched');
  const fetched = await hashTree(bufferSource(bytes));
  const writer = await store.open(fetched);
  await writer.write(0, bytes);
  await writer.finish();
  store.catalog.pin(fetched.cid);
  const model = join(home, 'models', 'hf', 'me', 'repo', 'm.gguf');
  await mkdir(dirname(model), { recursive: true });
  await copyFile(source, model);
  await store.addModelFile(model, await treeOfFile(model), `hf:me/repo@${'c'.repeat(40)}/m.gguf`);
  store.catalog.transaction(() => {
    for (let peer = 0; peer < 3_000; peer++) store.catalog.providers.seen(`${fetched.cid.slice(0, -2)}${peer % 90 + 10}`, asPeerId(`peer-${peer}`), { ttlMs: 1e9 });
  });
  return { manifest, fetched, model };
}

const pathsOf = (store: LocalStore): string[] => store.catalog.shards.files().map(({ path }) => path);
async function heldOf(store: LocalStore, { cid }: HashedTree): Promise<unknown> {
  const reader = await store.find(cid);
  const held = reader?.held();
  await reader?.close();
  return held;
}
const aside = async (): Promise<string[]> => (await readdir(join(home, 'store'))).filter((name) => /^catalog\.damaged-[\dTZ-]+\.db$/.test(name));

async function overwrite(path: string, bytes: Buffer, at: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}

const damages: [string, () => Promise<void>][] = [
  ['a file cut off in the middle', async () => truncate(catalogPath(), Math.floor((await stat(catalogPath())).size / 2 / 4096) * 4096)],
  ['a file cut off in its first page', () => truncate(catalogPath(), 700)],
  ['garbage for a header', () => overwrite(catalogPath(), Buffer.alloc(100, 0xa5), 0)],
  ['garbage for the first page', () => overwrite(catalogPath(), Buffer.alloc(4096, 0x3c), 0)],
  ['garbage from end to end', async () => writeFile(catalogPath(), Buffer.alloc((await stat(catalogPath())).size, 'garbage'))],
];

describe('a damaged catalogue', () => {
  it.each(damages)('is made anew after %s: what lies on the disk is listed again', async (_name, damage) => {
    const store = openStore();
    const { manifest, fetched, model } = await filled(store);
    const expected = pathsOf(store);
    store.close();
    await damage();
    const mended = openStore();
    expect(reports).toMatchObject([{ movedTo: expect.stringMatching(/catalog\.damaged-.*\.db$/) }]);
    expect(await aside()).toHaveLength(1);
    expect(mended.isRescanDue).toBe(true);
    // What is not listed yet is no leftover.
    await mended.gc();
    expect(pathsOf(mended)).toEqual(expected);
    expect(mended.isRescanDue).toBe(false);
    expect(mended.catalog.models.list()).toMatchObject([{ heldBytes: manifest.total_size_bytes }]);
    expect(mended.catalog.modelFiles.list()).toMatchObject([{ path: model, isPinned: true, isOwned: true, origin: expect.stringMatching(/^hf:me\/repo(@c+)?\/m\.gguf$/) }]);
    expect((await mended.scrub()).damaged).toEqual([]);
    expect(await heldOf(mended, fetched)).toBe('all');
    mended.close();
    openStore().close();
    expect(reports).toHaveLength(1);
  });

  it('keeps what is readable when pages in the middle are garbage, wherever they are', async () => {
    const store = openStore();
    const { fetched, manifest } = await filled(store);
    const expected = pathsOf(store);
    store.close();
    const good = await readFile(catalogPath());
    let [kept, whole] = [0, 0];
    const pages = good.length / 4096;
    for (let page = 1; page < pages; page += Math.ceil(pages / 40)) {
      await writeFile(catalogPath(), good);
      await overwrite(catalogPath(), Buffer.alloc(4096, 0xdb), page * 4096);
      const mended = openStore();
      const pins = [fetched.cid, mended.catalog.models.list()[0]?.cid ?? ''].filter((cid) => mended.catalog.hasPin(cid)).length;
      if (pins === 2) kept++;
      if (pathsOf(mended).length === expected.length) whole++;
      await mended.rescan();
      expect(pathsOf(mended)).toEqual(expected);
      expect(mended.catalog.models.list()).toMatchObject([{ heldBytes: manifest.total_size_bytes }]);
      mended.close();
    }
    // Most pages have neither pins nor files.
    expect(reports.length).toBeGreaterThan(20);
    expect([kept, whole].map((count) => count > 20)).toEqual([true, true]);
  }, 120_000);

  it('with a damaged log has what was whole before', async () => {
    const store = openStore();
    const { fetched } = await filled(store);
    const expected = pathsOf(store);
    // As kill -9 leaves it: the log beside the file.
    for (const name of ['catalog.db', 'catalog.db-wal']) await copyFile(join(home, 'store', name), join(home, name));
    store.close();
    await copyFile(join(home, 'catalog.db'), catalogPath());
    const log = await readFile(join(home, 'catalog.db-wal'));
    for (const at of [4, Math.floor(log.length / 2), log.length - 100]) {
      await copyFile(join(home, 'catalog.db'), catalogPath());
      await rm(`${catalogPath()}-shm`, { force: true });
      await writeFile(`${catalogPath()}-wal`, Buffer.concat([log.subarray(0, at), Buffer.alloc(64, 0xee), log.subarray(at + 64)]));
      const opened = openStore();
      await opened.gc();
      for (const path of pathsOf(opened)) expect(expected).toContain(path);
      expect((await opened.scrub()).damaged).toEqual([]);
      // A fetched shard is found by its name, whatever the log lost.
      expect(await heldOf(opened, fetched)).toBe('all');
      opened.close();
    }
  });

  it('that is gone or empty is filled from the disk', async () => {
    for (const lose of [() => rm(catalogPath()), () => truncate(catalogPath(), 0)]) {
      const store = openStore();
      const { manifest } = await filled(store);
      const expected = pathsOf(store);
      store.close();
      await lose();
      const found = openStore();
      expect(found.isRescanDue).toBe(true);
      await found.gc();
      expect(pathsOf(found)).toEqual(expected);
      found.close();
      await rm(join(home, 'shards', 'cut', manifest.shards[0]!.file_name));
    }
    expect(reports).toEqual([]);
  });

  it('found in use is mended by who opens it next, and by one of many', async () => {
    const store = openStore();
    const { fetched } = await filled(store);
    store.close();
    await writeFile(`${catalogPath()}.damaged`, '');
    const script = join(import.meta.dirname, 'testing', 'store-opener.ts');
    const children = Array.from({ length: 5 }, () => fork(script, [home], { execArgv: [] }));
    const told: { mended: boolean }[] = [];
    for (const child of children) child.on('message', (message) => told.push(message as { mended: boolean }));
    expect((await Promise.all(children.map((child) => once(child, 'exit')))).map(([code]) => Number(code))).toEqual([0, 0, 0, 0, 0]);
    expect(told.map(({ mended }) => mended).toSorted()).toEqual([false, false, false, false, true]);
    expect([await aside(), existsSync(`${catalogPath()}.damaged`)]).toMatchObject([{ length: 1 }, false]);
    const after = openStore();
    expect([reports, await heldOf(after, fetched), after.catalog.hasPin(fetched.cid)]).toEqual([[], 'all', true]);
    after.close();
  });

  it('is mended again when the first mending ended half-way', async () => {
    const store = openStore();
    const { fetched } = await filled(store);
    store.close();
    // As kill -9 leaves it after the damaged one was moved, and something of the new one was written.
    await rename(catalogPath(), join(home, 'store', 'catalog.damaged-2026-01-01T00-00-00Z.db'));
    await writeFile(`${catalogPath()}.new`, 'half of it');
    await writeFile(`${catalogPath()}.damaged`, '');
    const mended = openStore();
    expect([await heldOf(mended, fetched), mended.catalog.hasPin(fetched.cid), (await aside()).length]).toEqual(['all', true, 1]);
    mended.close();
  });

  it('does not make the user\'s file the store\'s own, whatever it says', async () => {
    const store = openStore();
    const path = join(home, 'mine.gguf');
    await writeFile(path, 'the user\'s');
    const tree = await treeOfFile(path);
    store.catalog.shards.put(tree, { path, mtimeMs: (await stat(path)).mtimeMs, isOwned: true });
    store.close();
    await writeFile(`${catalogPath()}.damaged`, '');
    const mended = openStore();
    expect(mended.catalog.shards.file(path)).toMatchObject({ isOwned: false });
    await mended.gc(0);
    expect(existsSync(path)).toBe(true);
    mended.close();
  });
});
