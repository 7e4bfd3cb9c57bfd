import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { asShardCid } from '../../src-main/base/index.ts';
import { openStore } from '../../src-main/host/index.ts';
import { cidOfManifest, cutModel, LEAF_BYTES, type AddModelOptions, type LocalStore, type Manifest, type ManifestPiece } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { startAdding, upTo, type Adding } from '../support/adding.ts';
import { generateModel, splitModel } from '../support/models/index.ts';
import { SaidProcess } from '../support/said-process.ts';

// A model is given to others while it is downloaded: the hub holds back the rest until the test lets it go.
const SCRIPT = fileURLToPath(new URL('../support/transfer-peer.ts', import.meta.url));
const LAYERS = 6;
let folder = '';
let hub: HubServer;
let reference: Manifest;
let cuts = '';
let sizeBytes = 0;
const peers: SaidProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-seed-'));
  cuts = join(folder, 'cuts');
  const whole = join(folder, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', targetBytes: 24 * LEAF_BYTES, layers: LAYERS, name: 'Early' });
  reference = await cutModel({ model: whole, folder: cuts, plan: { kind: 'per-layer' } });
  const bytes = await readFile(whole);
  sizeBytes = bytes.length;
  const parts = await splitModel(whole, { stem: join(folder, 'split'), parts: 2 });
  hub = await HubServer.start();
  hub.repos.set('me/early', { files: { 'early.gguf': bytes } });
  hub.repos.set('me/split', { files: Object.fromEntries(await Promise.all(parts.map(async (path) => [basename(path), await readFile(path)] as const))) });
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

let home = '';
let store: LocalStore;
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  store = openStore({ home });
  hub.spoil = () => undefined;
});
afterEach(async () => {
  store.close();
  await Promise.all(peers.splice(0).map((peer) => peer.kill()));
});

function start(setup: object): SaidProcess {
  const peer = new SaidProcess(SCRIPT, setup);
  peers.push(peer);
  return peer;
}

/** Another process of this home gives what the catalogue lists, as a running node does. */
const serve = async (): Promise<string> => String(((await start({ home }).says('ready'))['addresses'] as string[])[0]);

async function fetched(from: string, pieces: readonly ManifestPiece[]): Promise<string> {
  const into = await mkdtemp(join(folder, 'other-'));
  const shards = pieces.map(({ cid, size_bytes, file_name }) => ({ cid: asShardCid(cid), sizeBytes: size_bytes, fileName: file_name }));
  await start({ home: into, fetch: { shards, peers: [from] } }).says('done');
  return join(into, 'store', 'shards');
}

const add = (source: string, more: Partial<AddModelOptions> = {}, hold?: HubServer['spoil']): Promise<Adding> => startAdding(store, { home, hub, source, ...(hold === undefined ? {} : { hold }), ...more });

const bytesOf = (name: string): Promise<Buffer> => readFile(join(cuts, name));

it('gives the layers that have arrived while the rest is still to come, without writing them', async () => {
  const address = await serve();
  const adding = await add('hf:me/early', {}, upTo(14));
  const early = reference.shards[1]!;
  expect(await adding.piece(({ layers }) => layers?.first === 1)).toEqual({ cid: early.cid, sizeBytes: early.size_bytes, layers: { first: 1, last: 1 } });
  const target = join(home, 'models', 'hf', 'me', 'early', 'early.gguf');
  const got = await fetched(address, [early]);
  expect((await readFile(join(got, `${early.cid}.gguf`))).equals(await bytesOf(early.file_name))).toBe(true);
  expect([existsSync(target), store.catalog.derived.has(reference.shards.at(-1)!.cid)]).toEqual([false, false]);
  hub.spoil = () => undefined;
  const { manifest } = await adding.done;
  expect(cidOfManifest(manifest!)).toBe(cidOfManifest(reference));
  // The whole model, and nothing beside it.
  const others = await fetched(address, [...reference.shards, reference.vocabulary]);
  for (const piece of [...reference.shards, reference.vocabulary]) expect((await readFile(join(others, `${piece.cid}.gguf`))).equals(await bytesOf(piece.file_name))).toBe(true);
  expect((await readdir(home, { recursive: true })).filter((name) => name.endsWith('.gguf'))).toEqual([join('models', 'hf', 'me', 'early', 'early.gguf')]);
  store.addModel(manifest!, target);
  expect([store.model('Early').heldBytes, store.model('Early').heldShards]).toEqual([reference.total_size_bytes, LAYERS]);
  expect((await store.stats()).usedBytes).toBe(sizeBytes);
});

it('withdraws everything when the file turns out to be wrong, also from those who read it', async () => {
  // The last leaf comes with a flipped bit, which only the checksum of the whole tells.
  const adding = await add('hf:me/early', { connections: 1 }, upTo(14));
  const { cid } = await adding.piece(({ layers }) => layers?.first === 1);
  const other = openStore({ home });
  const reader = await other.find(cid);
  expect([reader?.held(), (await reader!.read(0)).length]).toEqual(['all', LEAF_BYTES]);
  hub.spoil = () => ({ kind: 'flip' });
  await expect(adding.done).rejects.toMatchObject({ code: 'HUB_CHECKSUM' });
  expect([store.catalog.derived.list(), await store.find(cid), reader?.held()]).toEqual([[], undefined, 'none']);
  await expect(reader?.read(0)).rejects.toMatchObject({ code: 'BLOCK_NOT_HERE' });
  await reader?.close();
  other.close();
  expect((await readdir(join(home, 'models'), { recursive: true })).filter((name) => name.includes('early.gguf'))).toEqual([]);
});

it('withdraws what came before the file changed on the hub', async () => {
  const bytes = hub.repos.get('me/early')!.files['early.gguf']!;
  const adding = await add('hf:me/early', { connections: 1 }, upTo(14));
  await adding.piece(({ layers }) => layers?.first === 1);
  hub.repos.set('me/early', { files: { 'early.gguf': Buffer.from(bytes).fill(1, bytes.length - 100) } });
  await expect(adding.done).rejects.toMatchObject({ code: 'HUB_CHANGED' });
  expect(store.catalog.derived.list()).toEqual([]);
  hub.repos.set('me/early', { files: { 'early.gguf': bytes } });
});

it('withdraws what it gave when the user cancels, and gives it again when it goes on', async () => {
  const controller = new AbortController();
  const first = await add('hf:me/early', { signal: controller.signal }, upTo(14));
  const { cid } = await first.piece(({ layers }) => layers?.first === 1);
  controller.abort();
  await expect(first.done).rejects.toMatchObject({ code: 'HUB_CANCELLED' });
  expect([store.catalog.derived.list(), await store.find(cid)]).toEqual([[], undefined]);
  hub.spoil = () => undefined;
  const again = await add('hf:me/early', {}, upTo(14));
  // Out of what had come, while the rest is still held back.
  expect((await again.piece(({ layers }) => layers?.first === 1)).cid).toBe(cid);
  expect(store.catalog.derived.has(cid)).toBe(true);
  hub.spoil = () => undefined;
  expect((await again.done).files[0]?.resumedBytes).toBeGreaterThan(8 * LEAF_BYTES);
});

it('goes on giving what it gave after it broke off, and while it is started again', async () => {
  const first = await add('hf:me/early', { maxFailures: 2 }, upTo(14));
  const { cid } = await first.piece(({ layers }) => layers?.first === 1);
  await expect(first.done).rejects.toMatchObject({ code: 'HUB_STALLED' });
  store.close();
  store = openStore({ home });
  const reader = await store.find(cid);
  expect((await reader!.read(0)).length).toBe(LEAF_BYTES);
  await reader!.close();
  hub.spoil = () => undefined;
  const again = await add('hf:me/early');
  expect((await again.done).files[0]?.resumedBytes).toBeGreaterThan(8 * LEAF_BYTES);
  expect(store.catalog.derived.list()).toHaveLength(LAYERS + 1);
});

it('cuts a model in several files too, and forgets the shards with any of them', async () => {
  const adding = await add('hf:me/split');
  const { manifest, files } = await adding.done;
  expect(manifest!.shards.map(({ cid }) => cid)).toEqual(reference.shards.map(({ cid }) => cid));
  const reader = await store.find(reference.shards[3]!.cid);
  expect(Buffer.from(await reader!.read(0)).equals((await bytesOf(reference.shards[3]!.file_name)).subarray(0, LEAF_BYTES))).toBe(true);
  // What is read is not taken away.
  await expect(store.removeFiles(files.map(({ path }) => path))).rejects.toMatchObject({ code: 'CATALOG_IN_USE' });
  await reader!.close();
  await store.removeFiles(files.map(({ path }) => path));
  expect(store.catalog.derived.list()).toEqual([]);
});
