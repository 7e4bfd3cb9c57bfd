import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asPeerId, ManualClock } from '../../base/index.ts';
import { bufferSource, Catalog, cidOfManifest, hashTree, LeafSet, leafCid, LEAF_BYTES, type Manifest, type ShardTree, type StoredFile } from '../index.ts';
import { MIGRATIONS } from './schema.ts';

let root = '';
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-catalog-')); });
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = (): string => join(root, String(count++), 'catalog.db');

function opened(path = fresh()): { catalog: Catalog; clock: ManualClock; path: string } {
  const clock = new ManualClock(1000);
  return { catalog: new Catalog(path, clock), clock, path };
}

const treeOf = (text: string, sizeBytes = text.length): Promise<ShardTree> => hashTree(bufferSource(Buffer.alloc(sizeBytes, text)));
const whole = (path: string): Omit<StoredFile, 'cid' | 'sizeBytes'> => ({ path, mtimeMs: 5, isOwned: true });

async function manifestOf(name: string, texts: readonly string[]): Promise<Manifest> {
  const pieces = await Promise.all([...texts, 'vocabulary'].map(async (text, index) => {
    const tree = await hashTree(bufferSource(Buffer.from(text)));
    return { cid: tree.cid, size_bytes: tree.sizeBytes, blake3_hash: tree.hash, file_name: `piece-${index}.gguf` };
  }));
  return {
    format_version: 2, model_name: name, model_hash: 'f'.repeat(64), architecture: 'llama', total_layers: texts.length, quantization: 'Q4_0', hidden_size: 8, vocab_size: 8, context_length: 0,
    total_size_bytes: pieces.reduce((sum, piece) => sum + piece.size_bytes, 0), vocabulary: pieces.at(-1)!,
    shards: pieces.slice(0, -1).map((piece, index) => ({ shard_index: index, ...piece, layer_range: [index, index], includes_embedding: index === 0, includes_head: index === texts.length - 1 })),
  };
}

describe('shards and files', () => {
  it('gives back what was put, after opening it again too', async () => {
    const { catalog, path } = opened();
    const [a, b] = [await treeOf('a'), await treeOf('b', 2 * LEAF_BYTES + 1)];
    const partial = { present: new LeafSet(3, Uint8Array.of(4)), pending: new LeafSet(3, Uint8Array.of(1)) };
    catalog.shards.put(a, whole('/store/a'));
    catalog.shards.put(a, { ...whole('/elsewhere/a'), isOwned: false });
    catalog.shards.put(b, { ...whole('/store/b'), ...partial });
    catalog.close();
    const { catalog: again } = opened(path);
    expect(again.shards.tree(b.cid)).toEqual({ cid: b.cid, sizeBytes: b.sizeBytes, leafHashes: b.leafHashes });
    expect(again.shards.files(a.cid)).toEqual([
      { ...whole('/elsewhere/a'), cid: a.cid, sizeBytes: 1, isOwned: false }, { ...whole('/store/a'), cid: a.cid, sizeBytes: 1 },
    ]);
    expect([...again.shards.file('/store/b')!.present!, ...again.shards.file('/store/b')!.pending!]).toEqual([2, 0]);
    again.shards.setLeaves('/store/b', { mtimeMs: 9 });
    expect(again.shards.file('/store/b')).toEqual({ ...whole('/store/b'), cid: b.cid, sizeBytes: b.sizeBytes, mtimeMs: 9 });
    again.close();
  });

  it('forgets a shard with its last file, and what a path held before', async () => {
    const { catalog } = opened();
    const [a, b] = [await treeOf('a'), await treeOf('b')];
    catalog.shards.put(a, whole('/1'));
    catalog.shards.put(a, whole('/2'));
    catalog.shards.delete('/1');
    expect(catalog.shards.tree(a.cid)).toBeDefined();
    catalog.shards.put(b, whole('/2'));
    expect([catalog.shards.tree(a.cid), catalog.shards.files().map(({ cid }) => cid)]).toEqual([undefined, [b.cid]]);
    catalog.close();
  });

  it('orders shards by last use and knows which are pinned, alone or with their model', async () => {
    const { catalog, clock } = opened();
    const manifest = await manifestOf('m', ['one', 'two']);
    const trees = await Promise.all(['one', 'two', 'three'].map((text) => hashTree(bufferSource(Buffer.from(text)))));
    for (const [index, tree] of trees.entries()) {
      clock.advance(10);
      catalog.shards.put(tree, whole(`/${index}`));
    }
    clock.advance(10);
    catalog.shards.touch(trees[0]!.cid);
    expect(catalog.shards.uses().map(({ cid, usedAt }) => [trees.findIndex((tree) => tree.cid === cid), usedAt])).toEqual([[1, 1020], [2, 1030], [0, 1040]]);
    catalog.pin(catalog.models.put(manifest));
    catalog.pin(trees[2]!.cid);
    catalog.unpin(trees[2]!.cid);
    expect(trees.map(({ cid }) => catalog.shards.isPinned(cid))).toEqual([true, true, false]);
    catalog.close();
  });

  it('does not give a list of leaves that is not the shard\'s', async () => {
    const { catalog, path } = opened();
    const tree = await treeOf('a');
    catalog.shards.put(tree, whole('/a'));
    const db = new DatabaseSync(path);
    db.prepare('UPDATE shards SET leaf_hashes = zeroblob(32)').run();
    db.close();
    expect(catalog.shards.tree(tree.cid)).toBeUndefined();
    catalog.close();
  });
});

describe('models', () => {
  it('tells what of a model is here, and which pieces are its own', async () => {
    const { catalog } = opened();
    const [first, second] = [await manifestOf('first', ['one', 'two']), await manifestOf('second', ['one', 'three'])];
    const [a, b] = [catalog.models.put(first), catalog.models.put(second)];
    expect(a).toBe(cidOfManifest(first));
    catalog.shards.put(await hashTree(bufferSource(Buffer.from('one'))), whole('/one'));
    expect(catalog.models.list().map(({ manifest, heldBytes, heldShards }) => [manifest.model_name, heldBytes, heldShards])).toEqual([['first', 3, 1], ['second', 3, 1]]);
    expect(catalog.models.ownPieces(a)).toEqual([first.shards[1]!.cid]);
    catalog.models.delete(a);
    expect([catalog.models.get(a), catalog.models.ownPieces(b).length]).toEqual([undefined, 3]);
    catalog.close();
  });
});

describe('leases', () => {
  it('are shared, or exclusive, until they are released', () => {
    const { catalog } = opened();
    const inUse = expect.objectContaining({ code: 'CATALOG_IN_USE', retryable: true });
    const [one, two] = [catalog.leases.take('x'), catalog.leases.take('x')];
    expect(() => catalog.leases.take('x', { isExclusive: true })).toThrow(inUse);
    one.release();
    expect(catalog.leases.isHeld('x')).toBe(true);
    two.release();
    expect(catalog.leases.isHeld('x')).toBe(false);
    const alone = catalog.leases.take('x', { isExclusive: true });
    expect(() => catalog.leases.take('x')).toThrow(inUse);
    alone.release();
    catalog.close();
  });

  it('of a process end with it, however that ends', async () => {
    const { catalog, path } = opened();
    const child = fork(join(import.meta.dirname, 'testing', 'lease-holder.ts'), [path], { execArgv: [] });
    await once(child, 'message');
    expect([catalog.leases.isHeld('x'), catalog.leases.count()]).toEqual([true, 1]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect([catalog.leases.isHeld('x'), catalog.leases.count()]).toEqual([false, 0]);
    catalog.close();
  });
});

describe('an exclusive lease', () => {
  it('is of one process at a time, also when many take over from one that was killed', async () => {
    const { catalog, path } = opened();
    const marker = join(root, 'alone');
    const racers = Array.from({ length: 8 }, () => fork(join(import.meta.dirname, 'testing', 'lease-racer.ts'), [path, marker, '20'], { execArgv: [] }));
    await Promise.all(racers.map((racer) => once(racer, 'message')));
    const ends = racers.map((racer) => once(racer, 'exit'));
    for (const racer of racers) racer.send('go');
    expect((await Promise.all(ends)).map(([code, signal]) => code ?? signal)).toEqual(racers.map(() => 'SIGKILL'));
    expect(catalog.leases.isHeld('x')).toBe(false);
    catalog.close();
  });
});

describe('providers', () => {
  it('are given latest first until they expire, and are bounded', async () => {
    const { catalog, clock } = opened();
    const cid = (await treeOf('a')).cid;
    for (let peer = 0; peer < 300; peer++) {
      clock.advance(1);
      catalog.providers.seen(cid, asPeerId(`peer-${peer}`), { ttlMs: 1000 });
    }
    catalog.providers.seen(leafCid(new Uint8Array(32)).toString(), asPeerId('other'), { ttlMs: 10 });
    expect(catalog.providers.of(cid).map(({ peer }) => peer).slice(0, 2)).toEqual(['peer-299', 'peer-298']);
    expect(catalog.providers.of(cid)).toHaveLength(256);
    catalog.providers.forget(asPeerId('peer-299'));
    clock.advance(990);
    expect(catalog.providers.of(cid).at(-1)).toMatchObject({ peer: 'peer-290', expiresAt: 2291 });
    expect(catalog.providers.sweep()).toBe(247);
    expect(catalog.providers.of(cid)).toHaveLength(9);
    catalog.close();
  });
});

describe('announcements', () => {
  const news = { at: 5, ttlMs: 1000, addresses: ['/t'], nodeAddresses: ['/n'], entries: [], gone: [] };
  const [a, b] = [asPeerId('a'), asPeerId('b')];
  const cids = Array.from({ length: 3 }, (_, n) => leafCid(new Uint8Array(32).fill(n)).toString());
  const [one = '', two = ''] = cids;

  it('say who has what and where, until taken back, expired or gone; older ones do not count', () => {
    const { catalog: { providers }, clock } = opened();
    expect(providers.announced(a, { ...news, entries: [{ cid: one, pieces: Uint8Array.of(3) }, { cid: two }] })).toBe(true);
    expect(providers.of(one)).toMatchObject([{ peer: 'a', pieces: Uint8Array.of(3), addresses: ['/t', '/n'] }]);
    expect(providers.announced(a, { ...news, at: 4, entries: [{ cid: cids[2] ?? '' }], gone: [one] })).toBe(false);
    expect(providers.announced(a, { ...news, addresses: ['/t2'], gone: [two] })).toBe(true);
    expect(providers.all().map(({ cid, addresses }) => [cid, addresses])).toEqual([[one, ['/t2', '/n']]]);
    expect(providers.members(8)).toEqual([['/n']]);
    // Found by another way it counts longer, and is still known to be reached there.
    providers.seen(one, a, { ttlMs: 5000, addresses: ['/elsewhere'] });
    providers.seen(one, b, { ttlMs: 900, nodeAddresses: ['/b'] });
    expect(providers.of(one).map(({ peer, addresses }) => [peer, addresses])).toEqual([['a', ['/t2', '/n']], ['b', ['/b']]]);
    expect(providers.members(8)).toEqual([['/n'], ['/b']]);
    clock.advance(1000);
    expect(providers.of(one)).toMatchObject([{ addresses: ['/t2', '/n'] }]);
    expect(providers.announced(a, { ...news, at: 6, ttlMs: 0 })).toBe(true);
    expect([providers.of(one), providers.members(8)]).toEqual([[], []]);
    // What it said before it left comes late.
    expect(providers.announced(a, { ...news, entries: [{ cid: one }] })).toBe(false);
    expect(providers.announced(b, { ...news, entries: [{ cid: one }] })).toBe(true);
    clock.advance(1000);
    expect([providers.of(one), providers.sweep()]).toEqual([[], 1]);
  });

  it('of one peer are kept up to 4,096, and of one CID 256 after a sweep', () => {
    const { catalog: { providers }, clock } = opened();
    const many = Array.from({ length: 5000 }, (_, n) => ({ cid: `cid-${String(n).padStart(4, '0')}` }));
    for (let page = 0; page < 5000; page += 250) {
      clock.advance(1);
      providers.announced(a, { ...news, ttlMs: 1_000_000, entries: many.slice(page, page + 250) });
    }
    expect(providers.all()).toHaveLength(4096);
    expect([providers.of('cid-0000').length, providers.of('cid-4999').length]).toEqual([0, 1]);
    for (let peer = 0; peer < 300; peer++) providers.announced(asPeerId(`p${peer}`), { ...news, ttlMs: 1_000_000, entries: [{ cid: one }] });
    expect(providers.of(one)).toHaveLength(256);
    expect(providers.sweep()).toBe(44);
  });

  it('are made of what is here, in whole or in part', async () => {
    const { catalog } = opened();
    const [whole, part, none] = [await treeOf('a'), await treeOf('b'), await treeOf('c')];
    catalog.shards.put(whole, { path: '/a', mtimeMs: 1, isOwned: false });
    catalog.shards.put(part, { path: '/b', mtimeMs: 1, isOwned: true, present: LeafSet.full(1) });
    catalog.shards.put(none, { path: '/c', mtimeMs: 1, isOwned: true, present: new LeafSet(1) });
    expect(catalog.shards.held().sort()).toEqual([whole.cid, part.cid].sort());
    catalog.close();
  });
});

describe('the file', () => {
  it('is refused when it is no database, damaged, of a newer version, or cannot be opened', async () => {
    const { catalog, path } = opened();
    catalog.close();
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]));
    expect(() => new Catalog(path)).toThrow(expect.objectContaining({ code: 'CATALOG_DAMAGED' }));
    await writeFile(path, 'not a database, but long enough to be looked at by SQLite as one'.repeat(20));
    expect(() => new Catalog(path)).toThrow(expect.objectContaining({ code: 'CATALOG_DAMAGED' }));
    const newer = opened();
    newer.catalog.close();
    const db = new DatabaseSync(newer.path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => new Catalog(newer.path)).toThrow(expect.objectContaining({ code: 'CATALOG_TOO_NEW', meta: { path: newer.path, version: 99 } }));
    expect(() => new Catalog(root)).toThrow(expect.objectContaining({ code: 'CATALOG_UNUSABLE' }));
  });

  it('of an earlier version is brought up to date with what it holds', async () => {
    const path = fresh();
    await mkdir(dirname(path), { recursive: true });
    const tree = await treeOf('a');
    const db = new DatabaseSync(path);
    db.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`);
    db.prepare('INSERT INTO shards VALUES (?, ?, ?, 7)').run(tree.cid, tree.sizeBytes, tree.leafHashes);
    db.prepare('INSERT INTO files VALUES (?, ?, 5, 1, NULL, NULL)').run('/a', tree.cid);
    db.close();
    const { catalog } = opened(path);
    expect([catalog.shards.files(), catalog.shards.uses(), catalog.isNew]).toMatchObject([[{ ...whole('/a'), cid: tree.cid }], [{ usedAt: 7, isPinned: false }], false]);
    catalog.modelFiles.put('/a', 'hf:a/b');
    expect(catalog.shards.isPinned(tree.cid)).toBe(true);
    catalog.close();
  });

  it('keeps nothing of a change that failed', async () => {
    const { catalog } = opened();
    const tree = await treeOf('a');
    expect(() => catalog.transaction(() => {
      catalog.shards.put(tree, whole('/a'));
      throw new Error('stop');
    })).toThrow('stop');
    expect(catalog.shards.files()).toEqual([]);
    catalog.close();
  });

  it('has every change whole or not at all after kill -9', async () => {
    const path = fresh();
    for (let round = 0; round < 5; round++) {
      const child = fork(join(import.meta.dirname, 'testing', 'pair-writer.ts'), [path], { execArgv: [] });
      for (let told = 0; told < 3 + 7 * round; told++) await once(child, 'message');
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { catalog } = opened(path);
      const files = catalog.shards.files();
      expect(files.length).toBeGreaterThan(0);
      expect(files.length % 2).toBe(0);
      for (const { cid } of files) expect(catalog.shards.tree(cid)).toBeDefined();
      catalog.close();
    }
  });
});

describe('peers that lied', () => {
  it('are passed over for longer each time, and no more are remembered than so many', () => {
    const { catalog, clock } = opened();
    const [a, b] = [asPeerId('a'), asPeerId('b')];
    const hours = (count: number): void => clock.advance(count * 3_600_000);
    catalog.liars.note(a);
    expect([catalog.liars.has(a), catalog.liars.has(b)]).toEqual([true, false]);
    hours(1);
    expect(catalog.liars.all()).toEqual([]);
    catalog.liars.note(a);
    hours(1.5);
    expect(catalog.liars.all()).toMatchObject([{ peer: a, lies: 2 }]);
    hours(0.5);
    expect(catalog.liars.has(a)).toBe(false);
    catalog.transaction(() => { for (let peer = 0; peer < 4200; peer++) catalog.liars.note(asPeerId(`peer-${peer}`)); });
    expect(catalog.liars.all().length).toBe(4096);
    catalog.close();
  });
});
