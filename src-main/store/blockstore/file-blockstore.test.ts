import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unixfs } from '@helia/unixfs';
import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateModel, seeded } from '../../../test/support/models/index.ts';
import { cidOfManifest, cutModel, encodeManifestCbor, FileBlockstore, HASH_BYTES, LeafSet, leafCid, leafHash, LEAF_BYTES, ShardReader, treeOfFile, type ShardFile, type ShardProblem } from '../index.ts';

let root = '';
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-blocks-')); });
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = (): string => join(root, String(count++));

async function randomFile(sizeBytes: number): Promise<string> {
  const random = seeded(count);
  const path = fresh();
  await writeFile(path, Buffer.from(Uint32Array.from({ length: Math.ceil(sizeBytes / 4) }, () => random() * 2 ** 32).buffer, 0, sizeBytes));
  return path;
}

async function held(path: string): Promise<ShardFile> {
  const { mtimeMs } = await stat(path);
  return { ...await treeOfFile(path), path, mtimeMs };
}

const cidOfLeaf = (file: ShardFile, leaf: number): CID => leafCid(leafHash(file.leafHashes, leaf));

async function bytesOf(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
}

describe('served out of the file', () => {
  it('is read by another IPFS implementation, whole and in part, by the CIDs of a cut model', async () => {
    const model = `${fresh()}.gguf`;
    await generateModel({ path: model, architecture: 'llama', type: 'F16', layers: 4, feedForward: 1024, vocabSize: 2000 });
    const folder = fresh();
    const store = new FileBlockstore();
    const manifest = await cutModel({ model, folder, plan: { kind: 'even', shards: 2 }, onPiece: (path, tree) => store.add({ ...tree, path }) });
    store.keep(CID.parse(cidOfManifest(manifest)), encodeManifestCbor(manifest));
    const ipfs = unixfs({ blockstore: store });
    for (const { cid, file_name, size_bytes } of [...manifest.shards, manifest.vocabulary]) {
      const whole = await readFile(join(folder, file_name));
      expect(whole).toHaveLength(size_bytes);
      expect((await bytesOf(ipfs.cat(CID.parse(cid)))).equals(whole)).toBe(true);
      expect(Number((await ipfs.stat(CID.parse(cid))).size)).toBe(size_bytes);
      expect((await bytesOf(ipfs.cat(CID.parse(cid), { offset: size_bytes - 1000, length: 500 }))).equals(whole.subarray(-1000, -500))).toBe(true);
    }
    expect(manifest.shards.some((shard) => shard.size_bytes > LEAF_BYTES)).toBe(true);
    expect(Buffer.from(encodeManifestCbor(manifest)).equals(await bytesOf(store.get(CID.parse(cidOfManifest(manifest)))))).toBe(true);
  });

  it('gives every block that it lists, each under its hash, and has no other', async () => {
    const file = await held(await randomFile(2.5 * LEAF_BYTES));
    const store = new FileBlockstore();
    store.add(file);
    const listed: CID[] = [];
    for await (const { cid, bytes } of store.getAll()) {
      const copy = new FileBlockstore();
      copy.keep(cid, await bytesOf(bytes));
      expect(store.has(cid)).toBe(true);
      expect(store.put(cid)).toBe(cid);
      listed.push(cid);
    }
    expect(listed.map(String)).toEqual([file.cid, ...[0, 1, 2].map((leaf) => cidOfLeaf(file, leaf).toString())]);
    store.remove(file.cid);
    for (const cid of listed) {
      expect(store.has(cid)).toBe(false);
      await expect(bytesOf(store.get(cid))).rejects.toMatchObject({ code: 'BLOCK_NOT_HERE', name: 'NotFoundError' });
      expect(() => store.put(cid)).toThrow(expect.objectContaining({ code: 'BLOCK_READ_ONLY' }));
      expect(() => store.delete(cid)).toThrow(expect.objectContaining({ code: 'BLOCK_READ_ONLY' }));
    }
  });

  it('serves of a partial shard what is there', async () => {
    const file = await held(await randomFile(2 * LEAF_BYTES));
    const store = new FileBlockstore();
    store.add({ ...file, present: new LeafSet(2, Uint8Array.of(2)) });
    expect([0, 1].map((leaf) => store.has(cidOfLeaf(file, leaf)))).toEqual([false, true]);
    await expect(bytesOf(store.get(cidOfLeaf(file, 0)))).rejects.toMatchObject({ code: 'BLOCK_NOT_HERE' });
    expect(await bytesOf(store.get(cidOfLeaf(file, 1)))).toHaveLength(LEAF_BYTES);
  });

  it('finds leaves that many files share, and a leaf that one file has twice', async () => {
    const path = fresh();
    await writeFile(path, Buffer.alloc(3 * LEAF_BYTES + 5));
    const [zeros, other] = [await held(path), await held(await randomFile(LEAF_BYTES))];
    const store = new FileBlockstore();
    for (const file of [other, zeros]) store.add(file);
    expect(await bytesOf(unixfs({ blockstore: store }).cat(CID.parse(zeros.cid)))).toHaveLength(3 * LEAF_BYTES + 5);
  });
});

describe('what changed under it', () => {
  async function watched(sizeBytes: number): Promise<{ file: ShardFile; store: FileBlockstore; problems: ShardProblem[] }> {
    const file = await held(await randomFile(sizeBytes));
    const problems: ShardProblem[] = [];
    const store = new FileBlockstore((problem) => void problems.push(problem));
    store.add(file);
    return { file, store, problems };
  }

  it('does not serve a flipped bit, names leaf and file, and serves the rest', async () => {
    const { file, store, problems } = await watched(2.5 * LEAF_BYTES);
    await flipByte(file.path, LEAF_BYTES + 7);
    await utimes(file.path, file.mtimeMs! / 1000, file.mtimeMs! / 1000);
    await expect(bytesOf(store.get(cidOfLeaf(file, 1)))).rejects.toMatchObject({ code: 'BLOCK_DAMAGED', meta: { leaf: 1, path: file.path } });
    expect(problems.filter(({ kind }) => kind === 'damaged')).toEqual([{ cid: file.cid, path: file.path, kind: 'damaged', leaf: 1 }]);
    for (const leaf of [0, 2]) expect((await bytesOf(store.get(cidOfLeaf(file, leaf)))).length).toBeGreaterThan(0);
  });

  it('takes a leaf from another file when one is damaged', async () => {
    const { file, store, problems } = await watched(LEAF_BYTES);
    const second = fresh();
    await writeFile(second, Buffer.concat([await bytesOf(store.get(CID.parse(file.cid))), Buffer.from('more')]));
    store.add(await held(second));
    await flipByte(file.path, 0);
    expect(await bytesOf(store.get(CID.parse(file.cid)))).toHaveLength(LEAF_BYTES);
    expect(problems.map(({ kind, path }) => [kind, path])).toContainEqual(['damaged', file.path]);
  });

  it('notices a file that was touched, cut short, replaced or deleted', async () => {
    const { file, store, problems } = await watched(1.5 * LEAF_BYTES);
    const read = (leaf: number): Promise<Buffer> => bytesOf(store.get(cidOfLeaf(file, leaf)));
    await utimes(file.path, 1, 1);
    expect(await read(1)).toHaveLength(LEAF_BYTES / 2);
    expect(problems.splice(0)).toEqual([{ cid: file.cid, path: file.path, kind: 'changed' }]);
    await truncate(file.path, LEAF_BYTES);
    await expect(read(1)).rejects.toMatchObject({ code: 'BLOCK_DAMAGED' });
    expect(problems.splice(0).map(({ kind }) => kind)).toEqual(['changed', 'damaged']);
    await rm(file.path);
    await expect(read(0)).rejects.toMatchObject({ code: 'BLOCK_GONE' });
    expect(problems.splice(0).map(({ kind }) => kind)).toEqual(['gone']);
  });
});

describe('what cannot be added', () => {
  it('is a list of leaves with another root, or bytes under another name', async () => {
    const file = await held(await randomFile(100));
    const store = new FileBlockstore();
    expect(() => store.add({ ...file, leafHashes: new Uint8Array(HASH_BYTES) })).toThrow(expect.objectContaining({ code: 'DAG_WRONG_LEAVES' }));
    expect(() => store.keep(CID.parse(file.cid), Buffer.from('other'))).toThrow(expect.objectContaining({ code: 'BLOCK_WRONG_HASH' }));
    expect(() => store.keep(CID.parse(file.cid), Buffer.alloc(5 * 1024 * 1024))).toThrow(expect.objectContaining({ code: 'BLOCK_TOO_BIG' }));
  });
});

describe('a reader', () => {
  it('reads into the buffer given, also from the middle of a file', async () => {
    const path = await randomFile(1.25 * LEAF_BYTES);
    const file = await held(path);
    const inside = fresh();
    await writeFile(inside, 'before');
    await appendFile(inside, await readFile(path));
    const reader = await ShardReader.open({ ...file, path: inside, offsetBytes: 6, mtimeMs: (await stat(inside)).mtimeMs });
    const into = Buffer.alloc(LEAF_BYTES);
    const last = await reader.read(1, into);
    expect([last.buffer === into.buffer, last.length, reader.sizeBytes, reader.cid]).toEqual([true, LEAF_BYTES / 4, file.sizeBytes, file.cid]);
    expect(await reader.leafHashes()).toEqual(file.leafHashes);
    await expect(reader.read(2)).rejects.toMatchObject({ code: 'DAG_NO_SUCH_LEAF' });
    await reader.close();
  });
});
