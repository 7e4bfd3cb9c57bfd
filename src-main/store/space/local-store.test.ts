import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unixfs } from '@helia/unixfs';
import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateModel, seeded } from '../../../test/support/models/index.ts';
import { ManualClock } from '../../base/index.ts';
import { bufferSource, cutModel, hashTree, HASH_BYTES, LEAF_BYTES, LeafSet, LocalStore, type HashedTree, type LocalStoreInit, type Manifest, type ShardProblem } from '../index.ts';

let root = '';
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-space-')); });
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;

interface Opened {
  readonly store: LocalStore;
  readonly home: string;
  readonly clock: ManualClock;
  readonly problems: ShardProblem[];
}

function opened(init: Partial<LocalStoreInit> & { home?: string } = {}): Opened {
  const home = init.home ?? join(root, String(count++));
  const clock = new ManualClock(1000);
  const problems: ShardProblem[] = [];
  const store = new LocalStore({ folder: join(home, 'store'), ownFolders: [join(home, 'shards')], clock, onProblem: (problem) => void problems.push(problem), ...init });
  return { store, home, clock, problems };
}

interface Shard extends HashedTree {
  readonly bytes: Buffer;
}

async function shardOf(seed: number, sizeBytes: number): Promise<Shard> {
  const random = seeded(seed);
  const bytes = Buffer.from(Uint32Array.from({ length: Math.ceil(sizeBytes / 4) }, () => random() * 2 ** 32).buffer, 0, sizeBytes);
  return { ...await hashTree(bufferSource(bytes)), bytes };
}

const leafOf = ({ bytes }: Shard, leaf: number): Buffer => bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES);

async function fetched(store: LocalStore, shard: Shard): Promise<string> {
  const writer = await store.open(shard);
  for (const leaf of [...writer.missing()].reverse()) await writer.write(leaf, leafOf(shard, leaf));
  await writer.finish();
  return store.catalog.shards.files(shard.cid)[0]!.path;
}

async function readWhole(store: LocalStore, { cid, leafHashes }: Shard): Promise<Buffer> {
  const reader = await store.find(cid);
  const leaves: Uint8Array[] = [];
  for (let leaf = 0; leaf < leafHashes.length / HASH_BYTES; leaf++) leaves.push(await reader!.read(leaf));
  await reader!.close();
  return Buffer.concat(leaves);
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
}

const missingOf = (store: LocalStore, shard: Shard): number[] => store.catalog.shards.files(shard.cid).flatMap((file) => [...file.present?.missing() ?? []]);

describe('writing a shard', () => {
  it('takes leaves in any order and names the file when all are there', async () => {
    const { store, home } = opened();
    const shard = await shardOf(1, 2.5 * LEAF_BYTES);
    const writer = await store.open(shard);
    await writer.write(2, leafOf(shard, 2));
    expect([[...writer.missing()], writer.has(2), writer.has(0)]).toEqual([[0, 1], true, false]);
    await expect(writer.write(2, leafOf(shard, 0))).rejects.toMatchObject({ code: 'SHARD_WRONG_SIZE' });
    await expect(writer.write(3, leafOf(shard, 2))).rejects.toMatchObject({ code: 'DAG_NO_SUCH_LEAF' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'SPACE_NOT_WHOLE', meta: { missing: 2 } });
    const half = await store.find(shard.cid);
    expect([half?.held(), leafOf(shard, 2).equals(await half!.read(2))]).toEqual([Uint8Array.of(4), true]);
    await expect(half?.read(0)).rejects.toMatchObject({ code: 'BLOCK_NOT_HERE' });
    await half?.close();
    await Promise.all([0, 1].map((leaf) => writer.write(leaf, leafOf(shard, leaf))));
    await writer.finish();
    expect(await readdir(join(home, 'store', 'shards'))).toEqual([`${shard.cid}.gguf`]);
    expect((await readWhole(store, shard)).equals(shard.bytes)).toBe(true);
    const again = await store.open(shard);
    expect([[...again.missing()], again.has(0)]).toEqual([[], true]);
    await again.finish();
    expect(store.catalog.leases.count()).toBe(0);
    store.close();
  });

  it('goes on where the last one left off, and lets only one write', async () => {
    const { store, home } = opened();
    const shard = await shardOf(2, 3 * LEAF_BYTES);
    const first = await store.open(shard);
    await first.write(1, leafOf(shard, 1));
    await expect(store.open(shard)).rejects.toMatchObject({ code: 'CATALOG_IN_USE' });
    await first.close();
    store.close();
    const { store: later } = opened({ home });
    expect(await later.tree(shard.cid, shard.sizeBytes)).toEqual({ cid: shard.cid, sizeBytes: shard.sizeBytes, leafHashes: shard.leafHashes });
    expect(await later.tree(shard.cid, shard.sizeBytes + 1)).toBeUndefined();
    const second = await later.open(shard);
    expect([...second.missing()]).toEqual([0, 2]);
    for (const leaf of second.missing()) await second.write(leaf, leafOf(shard, leaf));
    await second.finish();
    expect((await readWhole(later, shard)).equals(shard.bytes)).toBe(true);
    later.close();
  });

  it('loses after kill -9 nothing that was written, and trusts nothing that is not right', async () => {
    const home = join(root, String(count++));
    const child = fork(join(import.meta.dirname, 'testing', 'leaf-writer.ts'), [home, '70'], { execArgv: [] });
    const told = new Set<number>();
    child.on('message', (leaf) => told.add(Number(leaf)));
    while (told.size < 67) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const shard = { ...await hashTree(bufferSource(Buffer.alloc(70 * LEAF_BYTES, 'x'))), bytes: Buffer.alloc(70 * LEAF_BYTES, 'x') };
    await flipByte(join(home, 'store', 'shards', `${shard.cid}.gguf.part`), 65 * LEAF_BYTES + 3);
    const { store } = opened({ home });
    const writer = await store.open(shard);
    const missing = [...writer.missing()];
    expect(missing).toContain(65);
    expect(missing.filter((leaf) => told.has(leaf))).toEqual([65]);
    for (const leaf of missing) await writer.write(leaf, leafOf(shard, leaf));
    await writer.finish();
    expect((await store.scrub()).damaged).toEqual([]);
    store.close();
  });
});

describe('making room', () => {
  const MB = LEAF_BYTES;

  it('evicts what was not used for longest, but nothing pinned or in use', async () => {
    const { store, clock } = opened({ quotaBytes: 5 * MB });
    const shards = await Promise.all([1, 2, 3, 4, 5].map((seed) => shardOf(seed, MB)));
    for (const shard of shards) {
      clock.advance(1);
      await fetched(store, shard);
    }
    const [first, second, third, fourth] = shards as [Shard, Shard, Shard, Shard];
    const reader = await store.find(second.cid);
    store.catalog.pin(third.cid);
    clock.advance(1);
    await readWhole(store, first);
    await fetched(store, await shardOf(6, MB));
    expect(shards.map(({ cid }) => store.catalog.shards.files(cid).length)).toEqual([1, 1, 1, 0, 1]);
    expect(await store.find(fourth.cid)).toBeUndefined();
    expect(second.bytes.equals(await reader!.read(0))).toBe(true);
    expect(await store.stats()).toMatchObject({ usedBytes: 5 * MB, quotaBytes: 5 * MB, pinnedBytes: MB, shards: 5, leases: 1, evictableBytes: 3 * MB });
    await expect(fetched(store, await shardOf(7, 4 * MB))).rejects.toMatchObject({ code: 'SPACE_QUOTA', fault: 'user' });
    expect(shards.filter(({ cid }) => store.catalog.shards.files(cid).length > 0)).toHaveLength(4);
    await reader!.close();
    expect(await store.gc(2 * MB)).toEqual({ freedBytes: 3 * MB, usedBytes: 2 * MB });
    expect(store.catalog.shards.files(third.cid)).toHaveLength(1);
    store.close();
  });

  it('asks the disk before it writes, and leaves a full one as it was', async () => {
    let freeBytes = 1e9;
    const { store } = opened({ files: { freeBytes: () => Promise.resolve(freeBytes) } });
    const kept = await shardOf(1, MB);
    store.catalog.pin(kept.cid);
    await fetched(store, kept);
    freeBytes = 1e6;
    await expect(store.open(await shardOf(2, 2 * MB))).rejects.toMatchObject({ code: 'SPACE_DISK_FULL', meta: { freeBytes: 1e6 } });
    expect([store.catalog.leases.count(), store.catalog.shards.files().length]).toEqual([0, 1]);
    store.close();
  });

  it('does not evict the shard that is read in another process', async () => {
    const { store, home } = opened();
    const shard = await shardOf(3, MB);
    await fetched(store, shard);
    const { store: other } = opened({ home });
    const reader = await other.find(shard.cid);
    await store.gc(0);
    expect(shard.bytes.equals(await reader!.read(0))).toBe(true);
    expect(store.catalog.shards.files(shard.cid)).toHaveLength(1);
    await reader!.close();
    await store.gc(0);
    expect([await other.find(shard.cid), store.catalog.shards.files()]).toEqual([undefined, []]);
    for (const one of [store, other]) one.close();
  });
});

describe('what the disk did to it', () => {
  it('a scrub names damaged leaves, takes the file its name, and a writer mends it', async () => {
    const { store } = opened();
    const [good, bad] = [await shardOf(1, 1.5 * LEAF_BYTES), await shardOf(2, 3.5 * LEAF_BYTES)];
    await fetched(store, good);
    const path = await fetched(store, bad);
    await flipByte(path, 1.5 * LEAF_BYTES);
    await flipByte(path, 3.25 * LEAF_BYTES);
    const seen: number[] = [];
    const report = await store.scrub({ onProgress: ({ bytesDone }) => seen.push(bytesDone) });
    expect(report).toEqual({ files: 2, bytes: 5 * LEAF_BYTES, damaged: [{ cid: bad.cid, path, leaves: [1, 3] }], gone: [], busy: [] });
    expect([seen.at(-1), existsSync(path), missingOf(store, bad)]).toEqual([5 * LEAF_BYTES, false, [1, 3]]);
    expect(await fetched(store, bad)).toBe(path);
    expect((await readFile(path)).equals(bad.bytes)).toBe(true);
    expect((await store.scrub()).damaged).toEqual([]);
    store.close();
  });

  it('a reader that meets a damaged leaf notes it, and does not give it', async () => {
    const { store, problems } = opened();
    const shard = await shardOf(1, 2 * LEAF_BYTES);
    const path = await fetched(store, shard);
    await flipByte(path, 5);
    const reader = await store.find(shard.cid);
    await expect(reader!.read(0)).rejects.toMatchObject({ code: 'BLOCK_DAMAGED' });
    expect(leafOf(shard, 1).equals(await reader!.read(1))).toBe(true);
    await reader!.close();
    expect([missingOf(store, shard), existsSync(path)]).toEqual([[0], false]);
    expect(problems.map(({ kind }) => kind)).toEqual(['changed', 'damaged']);
    store.close();
  });

  it('files that are gone are forgotten, files of the user are never touched', async () => {
    const { store, home, problems } = opened();
    const [mine, theirs] = [await shardOf(1, LEAF_BYTES), await shardOf(2, 1.5 * LEAF_BYTES)];
    await rm(await fetched(store, mine));
    const path = join(home, 'theirs.gguf');
    await writeFile(path, theirs.bytes);
    await store.add(path, theirs);
    await flipByte(path, 1.25 * LEAF_BYTES);
    expect(await store.scrub()).toMatchObject({ files: 1, damaged: [{ path, leaves: [1] }], gone: [expect.stringContaining(mine.cid)] });
    expect(await store.gc(0)).toEqual({ freedBytes: 0, usedBytes: 0 });
    expect(existsSync(path)).toBe(true);
    await rm(path);
    expect(await store.find(theirs.cid)).toBeUndefined();
    expect([problems.at(-1)?.kind, store.catalog.shards.files()]).toEqual(['gone', []]);
    store.close();
  });

  it('a damaged list of leaves is made anew from a good file', async () => {
    const { store } = opened();
    const shard = await shardOf(1, 1.5 * LEAF_BYTES);
    const path = await fetched(store, shard);
    store.catalog.shards.put({ ...shard, leafHashes: new Uint8Array(2 * HASH_BYTES) }, store.catalog.shards.file(path)!);
    expect(store.catalog.shards.tree(shard.cid)).toBeUndefined();
    expect((await store.scrub()).damaged).toEqual([]);
    expect((await readWhole(store, shard)).equals(shard.bytes)).toBe(true);
    store.close();
  });
});

describe('after a crash', () => {
  it.each(['before', 'after'])('%s the rename and the commit of a finished shard, every leaf is hashed again', async (when) => {
    const { store, home } = opened();
    const shard = await shardOf(1, 2 * LEAF_BYTES);
    const path = await fetched(store, shard);
    if (when === 'before') await rename(path, `${path}.part`);
    else store.catalog.shards.setLeaves(path, { present: new LeafSet(2, Uint8Array.of(3)) });
    store.close();
    const { store: later } = opened({ home });
    const writer = await later.open(shard);
    expect([...writer.missing()]).toEqual([]);
    await writer.finish();
    expect((await readFile(path)).equals(shard.bytes)).toBe(true);
    later.close();
  });

  it('shards of a lost catalogue are listed again, if they are what their name says', async () => {
    const { store, home } = opened();
    const [good, bad] = [await shardOf(1, 1.5 * LEAF_BYTES), await shardOf(2, LEAF_BYTES)];
    await fetched(store, good);
    const path = await fetched(store, bad);
    store.close();
    for (const file of ['', '-wal', '-shm']) await rm(join(home, 'store', `catalog.db${file}`), { force: true });
    await flipByte(path, 1);
    const { store: later } = opened({ home });
    expect(await later.gc()).toEqual({ freedBytes: LEAF_BYTES, usedBytes: good.sizeBytes });
    expect((await readWhole(later, good)).equals(good.bytes)).toBe(true);
    later.close();
  });

  it('gc removes what writers and evictions that died left, and no more', async () => {
    const { store, home } = opened();
    const shard = await shardOf(1, LEAF_BYTES);
    const path = await fetched(store, shard);
    const part = await store.open(await shardOf(2, 2 * LEAF_BYTES));
    const cut = join(home, 'shards', 'cut');
    const busy = join(home, 'shards', 'busy');
    for (const folder of [cut, busy]) await mkdir(folder, { recursive: true });
    const leftovers = [`${path}.trash`, `${path}.part`, join(home, 'store', 'shards', 'old.gguf.part'), join(cut, 'shard-000.gguf'), join(cut, 'shard-001.gguf.0a1b2c3d.partial')];
    for (const leftover of [...leftovers, join(busy, 'shard-000.gguf.0a1b2c3d.partial')]) await writeFile(leftover, 'abc');
    await writeFile(join(cut, 'manifest.json'), '{}');
    const lease = store.hold(busy);
    // What is being written counts whole.
    expect(await store.gc()).toEqual({ freedBytes: 15, usedBytes: 3 * LEAF_BYTES });
    expect([...leftovers, cut].filter((left) => existsSync(left))).toEqual([]);
    expect((await readdir(busy)).length + (await readdir(join(home, 'store', 'shards'))).length).toBe(3);
    lease.release();
    await part.close();
    store.close();
  });
});

describe('models', () => {
  async function cut(store: LocalStore, home: string, name: string): Promise<Manifest> {
    const model = join(home, `${name}.gguf`);
    await generateModel({ path: model, architecture: 'llama', type: 'Q8_0', layers: 3, feedForward: 256, vocabSize: 320 });
    const manifest = await cutModel({ model, folder: join(home, 'shards', name), plan: { kind: 'even', shards: 2 }, modelName: name, onPiece: (path, tree) => store.add(path, tree) });
    store.addModel(manifest);
    return manifest;
  }

  it('are found by name or CID, kept while pinned or used, and removed with what only they have', async () => {
    const { store, home } = opened();
    await mkdir(home, { recursive: true });
    const first = await cut(store, home, 'first');
    const { cid } = store.model('first');
    expect(store.model(cid)).toMatchObject({ heldBytes: first.total_size_bytes, heldShards: 2, isPinned: false });
    const read = async (of: string): Promise<Buffer> => {
      const pieces: Uint8Array[] = [];
      for await (const piece of unixfs({ blockstore: store.blockstore() }).cat(CID.parse(of))) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    expect((await read(first.shards[0]!.cid)).equals(await readFile(join(home, 'shards', 'first', first.shards[0]!.file_name)))).toBe(true);
    expect(store.blockstore().has(CID.parse(cid))).toBe(true);
    expect(() => store.model('second')).toThrow(expect.objectContaining({ code: 'SPACE_NO_SUCH_MODEL' }));
    store.addModel({ ...first, model_hash: 'a'.repeat(64) });
    expect(() => store.model('first')).toThrow(expect.objectContaining({ code: 'SPACE_AMBIGUOUS' }));
    expect(await store.removeModel(cid)).toBe(0);
    store.catalog.pin(store.model('first').cid);
    await expect(store.removeModel('first')).rejects.toMatchObject({ code: 'SPACE_PINNED' });
    expect(await store.gc(0)).toMatchObject({ freedBytes: 0 });
    store.catalog.unpin(store.model('first').cid);
    const lease = store.hold(join(home, 'shards', 'first'));
    await expect(store.removeModel('first')).rejects.toMatchObject({ code: 'CATALOG_IN_USE' });
    expect(store.model('first').heldShards).toBe(2);
    lease.release();
    expect(await store.removeModel('first')).toBe(first.total_size_bytes);
    expect([store.catalog.models.list(), store.catalog.shards.files()]).toEqual([[], []]);
    expect(await readdir(join(home, 'shards', 'first'))).toEqual(['manifest.cbor', 'manifest.json']);
    store.close();
  });
});
