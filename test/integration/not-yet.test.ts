import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { asShardCid, systemClock } from '../../src-main/base/index.ts';
import { openStore } from '../../src-main/host/index.ts';
import { openPeerSource } from '../../src-main/host/open-peer-source.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, blockErrors, BlockServer, BufferPool, cutModel, decodeBlockFrame, encodeBlockFrame, Fetch, leafCid, LEAF_BYTES, ownHello, shardCidOf, type BlockFrame, type LocalStore, type Manifest, type ShardShelf } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { startAdding, upTo } from '../support/adding.ts';
import { generateModel } from '../support/models/index.ts';
import { writeShard } from '../support/shard-files.ts';

// What a peer is told of a block that is on its way to us.
const nodes = new TestNodes();
const stores: LocalStore[] = [];
let folder = '';
let hub: HubServer;
let reference: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-not-yet-'));
  const whole = join(folder, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', targetBytes: 24 * LEAF_BYTES, layers: 6, name: 'Early' });
  reference = await cutModel({ model: whole, folder: join(folder, 'cuts'), plan: { kind: 'per-layer' } });
  hub = await HubServer.start();
  hub.repos.set('me/early', { files: { 'early.gguf': await readFile(whole) } });
});
afterEach(async () => {
  await nodes.stop();
  for (const store of stores.splice(0)) store.close();
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

async function storeIn(home: string): Promise<LocalStore> {
  const store = openStore({ home });
  stores.push(store);
  return store;
}

const place = (): Promise<string> => mkdtemp(join(folder, 'home-'));
/** As a version that did not know the word greets. */
const OLD: BlockFrame = { type: 'hello', request: 0, hello: { protocol: 1, agent: 'old', features: [], window: 64 } };

/** Gives what is on the shelf; `refusals` are the answers to these questions by a peer that greets so. */
async function serve(shelf: ShardShelf) {
  const far = await nodes.start();
  const blocks = new BlockServer({ shelf, clock: systemClock, agent: 'test' });
  await far.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => blocks.accept(stream));
  const refusals = async (hello: BlockFrame, questions: readonly BlockFrame[]): Promise<string[]> => {
    const near = await nodes.start({ listen: [] });
    const stream = await near.open(await near.dial(addressOf(far)), BLOCK_PROTOCOL, { limits: BLOCK_LIMITS });
    for (const frame of [hello, ...questions]) await stream.send(...encodeBlockFrame(frame));
    const seen = new Map<number, string>();
    for await (const bytes of stream) {
      const frame = decodeBlockFrame(bytes, 'test');
      if (frame.type !== 'hello') seen.set(frame.request, frame.type === 'refused' ? frame.refusal : frame.type);
      if (seen.size === questions.length) break;
    }
    await stream.close();
    return questions.map(({ request }) => seen.get(request) ?? '');
  };
  return { address: addressOf(far), refusals };
}

it('of a model whose download has brought other layers, not yet; else not at all', async () => {
  const home = await place();
  const store = await storeIn(home);
  const end = new AbortController();
  hub.spoil = () => undefined;
  const adding = await startAdding(store, { home, hub, source: 'hf:me/early', hold: upTo(14), signal: end.signal });
  const { cid } = await adding.piece(({ layers }) => layers?.first === 1);
  store.addModel(reference);
  const { refusals } = await serve(store);
  const late = asShardCid(reference.shards.at(-1)!.cid);
  const questions: BlockFrame[] = [
    { type: 'get', request: 1, cid: late, first: 0, count: 1 }, { type: 'leaves', request: 2, cid: late, first: 0, count: 1 },
    { type: 'get', request: 3, cid: shardCidOf(leafCid(Buffer.alloc(32, 1))), first: 0, count: 1 }, { type: 'get', request: 4, cid: asShardCid(cid), first: 0, count: 1 },
  ];
  expect(await refusals(ownHello('new'), questions)).toEqual(['not yet', 'not yet', 'not held', 'data']);
  expect(await refusals(OLD, questions)).toEqual(['not held', 'not held', 'not held', 'data']);
  // The disk lost some of what had come, as a power cut makes it: it is fetched again, and not called damaged.
  const file = await open(join(home, 'models', 'hf', 'me', 'early', 'early.gguf.part'), 'r+');
  await file.write(Buffer.alloc(13 * LEAF_BYTES), 0, 13 * LEAF_BYTES, LEAF_BYTES);
  await file.close();
  expect(await refusals(ownHello('new'), questions.slice(3))).toEqual(['not yet']);
  expect(await refusals(OLD, questions.slice(3))).toEqual(['not held']);
  end.abort();
  await expect(adding.done).rejects.toMatchObject({ code: 'HUB_CANCELLED' });
  expect(await refusals(ownHello('new'), questions)).toEqual(['not held', 'not held', 'not held', 'not held']);
});

it('of a shard that is being fetched, not yet', async () => {
  const store = await storeIn(await place());
  const shard = await writeShard(folder, 'fetched.bin', 3);
  const writer = await store.open(shard.tree);
  await writer.write(1, shard.bytes.subarray(LEAF_BYTES, 2 * LEAF_BYTES));
  const { refusals } = await serve(store);
  const ask = (request: number, leaf: number): BlockFrame => ({ type: 'get', request, cid: shard.cid, first: leaf, count: 1 });
  expect(await refusals(ownHello('new'), [ask(1, 0), ask(2, 1)])).toEqual(['not yet', 'data']);
  await writer.close();
  expect(await refusals(ownHello('new'), [ask(1, 0), ask(2, 1)])).toEqual(['not held', 'data']);
});

it('is asked for again until it has come', async () => {
  const shard = await writeShard(folder, 'late.bin', 3);
  const from = await storeIn(await place());
  await from.add(shard.path, shard.tree);
  let refused = 0;
  const late: ShardShelf = {
    find: async (cid) => {
      const reader = await from.find(cid);
      if (reader === undefined) return undefined;
      const read = (leaf: number, into: Uint8Array): Promise<Uint8Array> => (leaf === 2 && refused++ < 2 ? Promise.reject(blockErrors.notYet({ cid, leaf })) : reader.read(leaf, into));
      return { cid, sizeBytes: reader.sizeBytes, held: () => reader.held(), leafHashes: () => reader.leafHashes(), read, close: () => reader.close() };
    },
  };
  const { address } = await serve(late);
  const mesh = await nodes.start({ listen: [] });
  const fetch = new Fetch({ shards: [shard], target: await storeIn(await place()), clock: systemClock, refreshMs: 10 });
  fetch.add(await openPeerSource({ mesh, addresses: [address], sink: fetch, pool: new BufferPool(LEAF_BYTES, 4), agent: 'test' }));
  expect(await fetch.done).toMatchObject({ bytesFetched: shard.sizeBytes });
  expect(refused).toBe(3);
});
