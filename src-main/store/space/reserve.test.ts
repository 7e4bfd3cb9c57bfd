import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isCoded, type CodedError } from '../../base/index.ts';
import { bufferSource, hashTree, type ComingFile, type HashedTree } from '../index.ts';
import { LEAF_BYTES } from '../dag/index.ts';
import { LocalStore, type LocalStoreInit } from './local-store.ts';
import type { ReserverSetup } from './testing/reserver.ts';

// Room for what is to come: real files, and processes that are killed.
const MB = LEAF_BYTES;
let root = '';
let home = '';
const stores: LocalStore[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-reserve-')); });
beforeEach(async () => { home = await mkdtemp(join(root, 'home-')); });
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  for (const store of stores.splice(0)) store.close();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const placed = (quotaBytes: number) => ({ folder: join(home, 'store'), modelFolder: join(home, 'models'), quotaBytes });

function opened(quotaBytes = 10 * MB, more: Partial<LocalStoreInit> = {}): LocalStore {
  const store = new LocalStore({ ...placed(quotaBytes), ...more });
  stores.push(store);
  return store;
}

const model = (name: string, sizeBytes: number): Required<ComingFile> => ({ path: join(home, 'models', 'hf', 'me', name, `${name}.gguf`), sizeBytes, origin: `hf:me/${name}@c/${name}.gguf` });

async function shardOf(seed: number, leaves: number): Promise<HashedTree & { readonly bytes: Buffer }> {
  const bytes = Buffer.alloc(leaves * MB, seed);
  // Every leaf another one.
  for (let leaf = 0; leaf < leaves; leaf++) bytes.writeUInt32LE(leaf, leaf * MB);
  return { ...await hashTree(bufferSource(bytes)), bytes };
}

async function fetched(store: LocalStore, seed: number, leaves: number): Promise<string> {
  const shard = await shardOf(seed, leaves);
  const writer = await store.open(shard);
  for (const leaf of [...writer.missing()]) await writer.write(leaf, shard.bytes.subarray(leaf * MB, (leaf + 1) * MB));
  await writer.finish();
  return shard.cid;
}

async function reserver(setup: Pick<ReserverSetup, 'file' | 'writtenBytes'> & { readonly quotaBytes?: number }): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'testing', 'reserver.ts'), [JSON.stringify({ ...placed(setup.quotaBytes ?? 10 * MB), ...setup } satisfies ReserverSetup)], { execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function told(child: ChildProcess): Promise<unknown> {
  const message = once(child, 'message');
  child.send('go');
  return (await message)[0];
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

const failure = (work: Promise<unknown>): Promise<CodedError> => work.then(() => { throw new TypeError('it did not fail'); }, (error: unknown) => {
  if (isCoded(error)) return error;
  throw error;
});

describe('room for a download', () => {
  it('counts from before it begins until it is given back, and is named where it is in the way', async () => {
    const store = opened();
    const big = model('big', 6 * MB);
    const lease = await store.reserve([big]);
    expect(await store.stats()).toMatchObject({ usedBytes: 6 * MB, reservedBytes: 6 * MB, unfinished: [{ ...big, storedBytes: 0, countedBytes: 6 * MB, pid: process.pid }] });
    const error = await failure(opened().reserve([model('other', 5 * MB)]));
    expect(error).toMatchObject({ code: 'SPACE_QUOTA', fault: 'user', meta: { needBytes: 5 * MB, usedBytes: 6 * MB, unfinished: [{ origin: big.origin, countedBytes: 6 * MB, pid: process.pid }] } });
    expect([error.message, error.next]).toEqual([expect.stringContaining(`${big.origin}, ${6 * MB} bytes (process ${process.pid})`), expect.stringMatching(/^Wait for the downloads under way/)]);
    // All of several files, or none.
    expect((await failure(store.reserve([model('one', 3 * MB), model('two', 3 * MB)]))).code).toBe('SPACE_QUOTA');
    expect((await store.stats()).usedBytes).toBe(6 * MB);
    lease.release();
    expect(await store.stats()).toMatchObject({ usedBytes: 0, reservedBytes: 0, unfinished: [] });
    (await store.reserve([model('other', 5 * MB)])).release();
  });

  it('is made before anything is written, at the cost of what was not used for longest', async () => {
    const store = opened();
    const [old, young] = [await fetched(store, 1, 4), await fetched(store, 2, 4)];
    const lease = await store.reserve([model('big', 5 * MB)]);
    expect([store.catalog.shards.files(old), store.catalog.shards.files(young).length, (await store.stats()).usedBytes]).toEqual([[], 1, 9 * MB]);
    // What is about to be written is not evicted for somebody else.
    const half = await shardOf(3, 4);
    lease.release();
    const writer = await store.open(half);
    await writer.write(0, half.bytes.subarray(0, MB));
    await writer.close();
    const kept = await store.reserveShards([half]);
    expect((await failure(store.reserve([model('huge', 7 * MB)]))).meta).toMatchObject({ unfinished: [{ origin: half.cid, countedBytes: 4 * MB }] });
    expect(store.catalog.shards.files(half.cid)).toHaveLength(1);
    kept.release();
    // Nor what is there of a file for the rest of it.
    (await store.reserveShards([{ cid: half.cid, sizeBytes: half.sizeBytes }, { cid: (await shardOf(4, 6)).cid, sizeBytes: 6 * MB }])).release();
    expect([store.catalog.shards.files(half.cid).length, store.catalog.shards.files(young)]).toEqual([1, []]);
  });

  it('counts once for a file, whoever keeps it, and not at all for what is here', async () => {
    const store = opened();
    const whole = await fetched(store, 1, 4);
    const shard = await shardOf(2, 5);
    const room = await store.reserveShards([{ cid: whole, sizeBytes: 4 * MB }, shard, shard]);
    const writer = await store.open(shard);
    await writer.write(0, shard.bytes.subarray(0, MB));
    expect(await store.stats()).toMatchObject({ usedBytes: 9 * MB, unfinished: [{ origin: shard.cid, storedBytes: MB, countedBytes: 5 * MB }] });
    await writer.close();
    expect((await store.stats()).usedBytes).toBe(9 * MB);
    room.release();
    expect(await store.stats()).toMatchObject({ usedBytes: 5 * MB, reservedBytes: 0, unfinished: [{ origin: shard.cid, countedBytes: MB, pid: null }] });
  });

  it('is kept free on the disk as well', async () => {
    const disk = { freeBytes: () => Promise.resolve(256 * 1024 * 1024 + 10 * MB) };
    const store = opened(Infinity, { files: disk });
    await store.reserve([model('big', 6 * MB)]);
    const error = await failure(store.reserve([model('other', 5 * MB)]));
    expect(error).toMatchObject({ code: 'SPACE_DISK_FULL', meta: { reservedBytes: 6 * MB, unfinished: [{ countedBytes: 6 * MB }] } });
    (await store.reserve([model('other', 4 * MB)])).release();
  });

  it('is not given to more than there is for when many ask at once', async () => {
    const askers = await Promise.all(Array.from({ length: 5 }, (_, index) => reserver({ file: model(`m${index}`, 3 * MB) })));
    const answers = await Promise.all(askers.map(told));
    expect(answers.sort()).toEqual(['SPACE_QUOTA', 'SPACE_QUOTA', 'kept', 'kept', 'kept']);
    expect((await opened().stats()).usedBytes).toBe(9 * MB);
  });
});

describe('after kill -9', () => {
  it('only what lies on the disk counts, until somebody goes on or removes it', async () => {
    const big = model('big', 8 * MB);
    const child = await reserver({ file: big, writtenBytes: 2 * MB });
    expect(await told(child)).toBe('kept');
    const store = opened();
    expect(await store.stats()).toMatchObject({ usedBytes: 8 * MB, reservedBytes: 6 * MB, unfinished: [{ ...big, storedBytes: 2 * MB, countedBytes: 8 * MB, pid: child.pid }] });
    await killed(child);
    expect(await opened().stats()).toMatchObject({ usedBytes: 2 * MB, reservedBytes: 0, unfinished: [{ ...big, storedBytes: 2 * MB, countedBytes: 2 * MB, pid: null }] });
    const error = await failure(store.reserve([model('other', 9 * MB)]));
    expect([error.meta['unfinished'], error.message, error.next]).toEqual([
      [{ origin: big.origin, countedBytes: 2 * MB, pid: null }], expect.stringContaining('(broken off)'), expect.stringContaining('omninode store gc --unfinished'),
    ]);
    // Who goes on needs room for the rest only.
    const again = await store.reserve([big]);
    expect(await store.gc(undefined, { unfinished: true })).toMatchObject({ freedBytes: 0, usedBytes: 8 * MB });
    again.release();
    store.catalog.leases.take(`download:${big.path}`).release();
    expect(await store.gc(undefined, { unfinished: true })).toEqual({ freedBytes: 2 * MB, usedBytes: 0 });
    expect([existsSync(`${big.path}.part`), (await store.stats()).unfinished]).toEqual([false, []]);
  });

  it('a download whose file was taken away is forgotten, and one that is not known is found', async () => {
    const [gone, lost] = [model('gone', 4 * MB), model('lost', 4 * MB)];
    const child = await reserver({ file: gone, writtenBytes: MB });
    await told(child);
    await killed(child);
    await rm(`${gone.path}.part`);
    await mkdir(join(lost.path, '..'), { recursive: true });
    await writeFile(`${lost.path}.part`, Buffer.alloc(MB, 1));
    await writeFile(`${lost.path}.part.journal`, `${JSON.stringify({ version: 1, sizeBytes: lost.sizeBytes, file: 'x' })}\n`);
    const store = opened();
    expect((await store.stats()).unfinished).toEqual([]);
    expect(await store.gc()).toEqual({ freedBytes: 0, usedBytes: MB });
    expect((await store.stats()).unfinished).toMatchObject([{ path: lost.path, origin: 'hf:me/lost/lost.gguf', sizeBytes: 4 * MB, storedBytes: MB, pid: null }]);
  });

  it('shards that were begun can be removed too, but not those that are pinned', async () => {
    const store = opened();
    for (const seed of [1, 2]) {
      const shard = await shardOf(seed, 3);
      const writer = await store.open(shard);
      await writer.write(1, shard.bytes.subarray(MB, 2 * MB));
      await writer.close();
      if (seed === 1) store.catalog.pin(shard.cid);
    }
    expect(await store.gc(undefined, { unfinished: true })).toEqual({ freedBytes: MB, usedBytes: MB });
    expect((await store.stats()).unfinished).toHaveLength(1);
  });

  it('what is readable of a damaged catalogue still says who holds room', async () => {
    const big = model('big', 8 * MB);
    const child = await reserver({ file: big, writtenBytes: MB });
    await told(child);
    const store = opened();
    await fetched(store, 1, 1);
    store.close();
    await writeFile(join(home, 'store', 'catalog.db.damaged'), '');
    expect((await opened().stats()).unfinished).toMatchObject([{ ...big, storedBytes: MB, countedBytes: 8 * MB, pid: child.pid }]);
  });
});
