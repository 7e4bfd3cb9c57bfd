import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asShardCid, ManualClock, systemClock } from '../../src-main/base/index.ts';
import { openPeerSource } from '../../src-main/host/open-peer-source.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer, BufferPool, decodeBlockFrame, encodeBlockFrame, Fetch, LEAF_BYTES, leafCid, LocalStore, ownHello, shardCidOf, type BlockFrame, type FetchEvent, type FetchOptions } from '../../src-main/store/index.ts';
import { serveRogue, type Roguery } from '../support/rogue-source.ts';
import { SaidProcess } from '../support/said-process.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';
import type { TransferShard } from '../../src-main/host/transfer-node.ts';
import type { TransferPeerSetup } from '../support/transfer-peer.ts';

const SCRIPT = fileURLToPath(new URL('../support/transfer-peer.ts', import.meta.url));
const MB = 1_000_000;
const nodes = new TestNodes();
const peers: SaidProcess[] = [];
let folder = '';
let shard: ShardFixture;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-exchange-'));
  shard = await writeShard(folder, 'shard.bin', 12);
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.kill()));
  await nodes.stop();
  stores.splice(0).forEach((store) => store.close());
});
afterAll(() => rm(folder, { recursive: true }));

const stores: LocalStore[] = [];
function openStore(home: string): LocalStore {
  const store = new LocalStore({ folder: join(home, 'store') });
  stores.push(store);
  return store;
}

/** Where the store puts a shard that it fetches. */
const gotPath = (home: string, { cid }: ShardFixture): string => join(home, 'store', 'shards', `${cid}.gguf`);

let places = 0;
async function place(): Promise<string> {
  const path = join(folder, `place-${places++}`);
  await mkdir(path);
  return path;
}

const listOf = (fixtures: readonly ShardFixture[]): TransferShard[] => fixtures.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, fileName: 'unused' }));
const pathsOf = (fixtures: readonly ShardFixture[]): string[] => fixtures.map(({ path }) => path);

function start(setup: TransferPeerSetup): SaidProcess {
  const peer = new SaidProcess(SCRIPT, setup);
  peers.push(peer);
  return peer;
}

const addressFrom = async (peer: SaidProcess): Promise<string> => String(((await peer.says('ready'))['addresses'] as string[])[0]);

/** A fetch in this process, whose sources are added one by one. */
async function fetchHere(options: Partial<FetchOptions> = {}) {
  const home = await place();
  const mesh = await nodes.start({ listen: [] });
  const store = openStore(home);
  const events: FetchEvent[] = [];
  const waiting: Array<{ accept: (event: FetchEvent) => boolean; resolve: (event: FetchEvent) => void }> = [];
  const next = (accept: (event: FetchEvent) => boolean): Promise<FetchEvent> => {
    const { promise, resolve } = Promise.withResolvers<FetchEvent>();
    waiting.push({ accept, resolve });
    const past = events.find(accept);
    if (past !== undefined) resolve(past);
    return promise;
  };
  const fetch = new Fetch({
    shards: [shard], target: store, clock: systemClock, ...options,
    onEvent: (event) => { events.push(event); waiting.filter(({ accept }) => accept(event)).forEach(({ resolve }) => resolve(event)); },
  });
  const pool = new BufferPool(LEAF_BYTES, 16);
  return {
    fetch, events, store, path: gotPath(home, shard),
    event: (kind: FetchEvent['kind']) => next((event) => event.kind === kind),
    progress: (bytes: number) => next((event) => event.kind === 'progress' && event.bytesDone >= bytes),
    add: async (address: string) => { const source = await openPeerSource({ mesh, addresses: [address], sink: fetch, pool, agent: 'test' }); fetch.add(source); return source.name; },
  };
}

async function honest(setup: Partial<TransferPeerSetup> = {}): Promise<string> {
  return addressFrom(start({ home: await place(), files: pathsOf([shard]), ...setup }));
}

describe('a peer that', () => {
  it.each<[Roguery, string]>([
    ['flipped bit', 'EXCHANGE_BAD_LEAF'], ['another block', 'EXCHANGE_BAD_LEAF'], ['too short', 'EXCHANGE_UNASKED'], ['too long', 'EXCHANGE_UNASKED'],
    ['endless', 'EXCHANGE_UNASKED'], ['garbage', 'EXCHANGE_BAD_FRAME'], ['single bytes', 'EXCHANGE_UNASKED'], ['unasked block', 'EXCHANGE_UNASKED'], ['wrong hashes', 'EXCHANGE_BAD_TREE'],
  ])('sends %s is named and dropped, and the shard arrives', async (roguery, code) => {
    const { fetch, event, add, path } = await fetchHere();
    const rogue = await nodes.start();
    await rogue.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => void serveRogue(stream, shard, roguery).catch(() => undefined));
    await add(addressOf(rogue));
    expect(await event('dropped')).toMatchObject({ source: rogue.peerId, error: { code, fault: 'peer', meta: { peer: rogue.peerId } } });
    await add(await honest());
    const report = await fetch.done;
    expect((await readFile(path)).equals(shard.bytes)).toBe(true);
    expect(report.sources.find(({ name }) => name === rogue.peerId)?.error?.code).toBe(code);
    // It may come again as often as it likes.
    await add(addressOf(rogue)).catch(() => undefined);
  });

  it('says nothing loses its requests to others, is not called a liar, and is given up in the end', async () => {
    const { fetch, event, events, add, path } = await fetchHere();
    const rogue = await nodes.start();
    await rogue.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => void serveRogue(stream, shard, 'silence').catch(() => undefined));
    await add(addressOf(rogue));
    expect(await event('stalled')).toEqual({ kind: 'stalled', source: rogue.peerId });
    await add(await honest());
    const report = await fetch.done;
    expect((await readFile(path)).equals(shard.bytes)).toBe(true);
    expect(events.some(({ kind }) => kind === 'dropped')).toBe(false);
    expect(report.bytesTwice).toBe(0);
    const other = await fetchHere({ silenceMs: 2500 });
    await other.add(addressOf(rogue));
    expect(await other.event('dropped')).toMatchObject({ error: { code: 'EXCHANGE_NO_ANSWER', retryable: true } });
    other.fetch.cancel();
    await expect(other.fetch.done).rejects.toMatchObject({ code: 'EXCHANGE_CANCELLED', fault: 'user' });
  });
});

describe('a server', () => {
  const serve = async () => {
    const near = await nodes.start({ listen: [] });
    const far = await nodes.start();
    const store = openStore(await place());
    await store.add(shard.path, shard.tree);
    const blocks = new BlockServer({ shelf: store, clock: systemClock, agent: 'test' });
    await far.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => blocks.accept(stream));
    const stream = await near.open(await near.dial(addressOf(far)), BLOCK_PROTOCOL, { limits: BLOCK_LIMITS });
    return { blocks, stream, ask: (frame: BlockFrame) => stream.send(...encodeBlockFrame(frame)) };
  };

  it.each<[string, readonly BlockFrame[]]>([
    ['asks for more than its window', [ownHello('x'), ...[1, 2, 3].map((request): BlockFrame => ({ type: 'get', request, cid: asShardCid(''), first: 0, count: 60 }))]],
    ['does not greet', [{ type: 'cancel', request: 1, leaf: 0 }]],
    ['answers instead of asking', [ownHello('x'), { type: 'data', request: 1, leaf: 0, offset: 0, bytes: Buffer.alloc(20_000) }]],
    ['uses a request number twice', [ownHello('x'), ...[1, 1].map((request): BlockFrame => ({ type: 'get', request, cid: asShardCid(''), first: 5, count: 2 }))]],
  ])('ends the stream of a peer that %s, having given it little', async (_what, frames) => {
    const { stream, ask, blocks } = await serve();
    for (const frame of frames) await ask(frame.type === 'get' ? { ...frame, cid: shard.cid } : frame).catch(() => undefined);
    expect(await stream.closed).toMatchObject({ code: expect.stringMatching(/^MESH_/) as string });
    expect(blocks.sentBytes).toBeLessThan(shard.sizeBytes);
  });

  it('gives two peers about the same of what it may send', async () => {
    const far = await nodes.start();
    const store = openStore(await place());
    await store.add(shard.path, shard.tree);
    const blocks = new BlockServer({ shelf: store, clock: systemClock, agent: 'test', uploadBytesPerSecond: 8 * MB });
    await far.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => blocks.accept(stream));
    const [one, two] = [await fetchHere(), await fetchHere()];
    await Promise.all([one.add(addressOf(far)), two.add(addressOf(far))]);
    const done = ({ events }: typeof one): number => Math.max(0, ...events.map((event) => (event.kind === 'progress' ? event.bytesDone : 0)));
    await Promise.race([one.fetch.done, two.fetch.done]);
    // Pieces go out in turn; who was connected first is a little ahead.
    expect(Math.min(done(one), done(two))).toBeGreaterThan(shard.sizeBytes / 2);
    await Promise.all([one.fetch.done, two.fetch.done]);
    expect(blocks.sentBytes).toBe(2 * shard.sizeBytes);
  });

  it('answers what it does not have, and what was called off, with a refusal for each block', async () => {
    const { stream, ask } = await serve();
    const unknown = shardCidOf(leafCid(Buffer.alloc(32, 1)));
    await ask(ownHello('x'));
    await ask({ type: 'get', request: 1, cid: unknown, first: 0, count: 2 });
    await ask({ type: 'get', request: 2, cid: shard.cid, first: 12, count: 2 });
    await ask({ type: 'leaves', request: 3, cid: shard.cid, first: 13, count: 1 });
    await ask({ type: 'have', request: 4, cids: [unknown, shard.cid] });
    const seen = new Map<string, BlockFrame>();
    for await (const bytes of stream) {
      const frame = decodeBlockFrame(bytes, 'test');
      seen.set(`${frame.request}/${'leaf' in frame ? frame.leaf : ''}`, frame);
      if (seen.size === 7) break;
    }
    expect(seen.get('1/0')).toMatchObject({ type: 'refused', refusal: 'not held' });
    expect(seen.get('1/1')).toMatchObject({ type: 'refused', refusal: 'not held' });
    expect(seen.get('2/12')).toMatchObject({ type: 'data', offset: 0 });
    expect(seen.get('2/13')).toMatchObject({ type: 'refused', refusal: 'not held' });
    expect(seen.get('3/0')).toMatchObject({ type: 'refused', refusal: 'not held' });
    expect(seen.get('4/')).toMatchObject({ type: 'holdings', holdings: [{ held: 'none', sizeBytes: 0 }, { held: 'all', sizeBytes: shard.sizeBytes }] });
    await stream.close();
  });

  it('limits questions, and does not pass on what its own disk has damaged', async () => {
    const home = await place();
    const damaged = Buffer.from(shard.bytes);
    const path = join(home, 'damaged.bin');
    await writeFile(path, damaged);
    const store = openStore(home);
    await store.add(path, shard.tree);
    damaged[LEAF_BYTES + 7]! ^= 8;
    await writeFile(path, damaged);
    const troubles: Error[] = [];
    const near = await nodes.start({ listen: [] });
    const far = await nodes.start();
    const blocks = new BlockServer({ shelf: store, clock: new ManualClock(), agent: 'test', onTrouble: (error) => troubles.push(error) });
    await far.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => blocks.accept(stream));
    const stream = await near.open(await near.dial(addressOf(far)), BLOCK_PROTOCOL, { limits: BLOCK_LIMITS });
    const ask = (frame: BlockFrame): Promise<void> => stream.send(...encodeBlockFrame(frame));
    await ask(ownHello('x'));
    await ask({ type: 'get', request: 1, cid: shard.cid, first: 1, count: 1 });
    for (let request = 2; request <= 102; request++) await ask({ type: 'have', request, cids: [shard.cid] });
    const answers = new Map<number, BlockFrame>();
    for await (const bytes of stream) {
      const frame = decodeBlockFrame(bytes, 'test');
      if (frame.type !== 'hello') answers.set(frame.request, frame);
      if (answers.size === 102) break;
    }
    expect(answers.get(1)).toMatchObject({ type: 'refused', refusal: 'damaged' });
    expect(troubles).toMatchObject([{ code: 'BLOCK_DAMAGED', meta: { path, leaf: 1 } }]);
    expect(answers.get(101)?.type).toBe('holdings');
    expect(answers.get(102)).toMatchObject({ type: 'refused', refusal: 'too busy' });
    await stream.close();
  });
});

describe('a fetch', () => {
  it('takes from two peers at once, into a file that others can fetch from', async () => {
    const { fetch, add, path, store } = await fetchHere();
    await Promise.all([add(await honest({ uploadBytesPerSecond: 20 * MB })), add(await honest({ uploadBytesPerSecond: 20 * MB }))]);
    const report = await fetch.done;
    expect((await readFile(path)).equals(shard.bytes)).toBe(true);
    expect(report.sources.every(({ bytes }) => bytes > 2 * LEAF_BYTES)).toBe(true);
    expect(report.bytesFetched).toBe(shard.sizeBytes);
    const reader = await store.find(shard.cid);
    expect(reader?.held()).toBe('all');
    await reader?.close();
  });

  it.each([true, false])('takes a stream with a connection for itself where there is one (%s), else one of the mesh', async (direct) => {
    const far = await nodes.start();
    const store = openStore(await place());
    await store.add(shard.path, shard.tree);
    const blocks = new BlockServer({ shelf: store, clock: systemClock, agent: 'test' });
    await far.handle(BLOCK_PROTOCOL, { ...BLOCK_LIMITS, direct }, (stream) => blocks.accept(stream));
    const { fetch, add, path } = await fetchHere();
    expect(await add(addressOf(far))).toBe(far.peerId);
    expect(far.peers()).toHaveLength(direct ? 0 : 1);
    await fetch.done;
    expect((await readFile(path)).equals(shard.bytes)).toBe(true);
  });

  it('ends when nobody has what is missing', async () => {
    const other = await writeShard(folder, 'other.bin', 1);
    const { fetch, add } = await fetchHere({ patienceMs: 300 });
    await add(await addressFrom(start({ home: await place(), files: pathsOf([other]) })));
    await expect(fetch.done).rejects.toMatchObject({ code: 'EXCHANGE_NO_SOURCES', retryable: true, meta: { cids: [shard.cid], missingLeaves: 13 } });
  });

  it('repairs a damaged file: only what is damaged is transferred', async () => {
    const before = await fetchHere();
    await before.add(await honest());
    await before.fetch.done;
    const damaged = Buffer.from(shard.bytes);
    damaged[3 * LEAF_BYTES + 5]! ^= 1;
    await writeFile(before.path, damaged);
    const { store } = before;
    expect((await store.scrub()).damaged).toMatchObject([{ leaves: [3] }]);
    const repair = new Fetch({ shards: [shard], target: store, clock: systemClock });
    const mesh = await nodes.start({ listen: [] });
    repair.add(await openPeerSource({ mesh, addresses: [await honest()], sink: repair, pool: new BufferPool(LEAF_BYTES, 4), agent: 'test' }));
    expect((await repair.done).bytesFetched).toBe(LEAF_BYTES);
    expect((await readFile(before.path)).equals(shard.bytes)).toBe(true);
  });

  it('goes on after kill -9 with what it had', async () => {
    const home = await place();
    const source = await honest({ uploadBytesPerSecond: 8 * MB });
    const first = start({ home, fetch: { shards: listOf([shard]), peers: [source] } });
    const { bytesDone } = await first.says('progress', (said) => Number(said['bytesDone']) > shard.sizeBytes / 2);
    await first.kill();
    const written = Math.max(...first.said.map((said) => Number(said['bytesDone'] ?? 0)));
    expect(written).toBeGreaterThanOrEqual(Number(bytesDone));
    const second = start({ home, fetch: { shards: listOf([shard]), peers: [source] } });
    const done = await second.says('done');
    // At most what was written and not yet said may be here as well.
    expect(Number(done['bytesFetched'])).toBeLessThanOrEqual(shard.sizeBytes - written);
    expect((await readFile(gotPath(home, shard))).equals(shard.bytes)).toBe(true);
  });
});

describe('a swarm', () => {
  it('rebuilds a model on D from B and C, which hold parts, while A that cut it is killed half-way', async () => {
    const shards = [await writeShard(folder, 's0.bin', 6), await writeShard(folder, 's1.bin', 6), await writeShard(folder, 's2.bin', 6)];
    const a = start({ home: await place(), files: pathsOf(shards), uploadBytesPerSecond: 12 * MB });
    const fromA = await addressFrom(a);
    const [homeB, homeC, homeD] = [await place(), await place(), await place()];
    // B and C need overlapping halves of the model, D the whole.
    const b = start({ home: homeB, fetch: { shards: listOf(shards).slice(0, 2), peers: [fromA] } });
    const c = start({ home: homeC, fetch: { shards: listOf(shards).slice(1), peers: [fromA] } });
    await Promise.all([b.says('done'), c.says('done')]);
    const d = start({ home: homeD, fetch: { shards: listOf(shards), peers: [fromA, await addressFrom(b), await addressFrom(c)] } });
    await d.says('progress', (said) => Number(said['bytesDone']) > Number(said['bytesTotal']) / 2);
    await a.kill();
    await d.says('done');
    for (const one of shards) expect((await readFile(gotPath(homeD, one))).equals(one.bytes)).toBe(true);
  });

  it('passes on what is still being fetched', async () => {
    const late = Promise.withResolvers<void>();
    const a = await nodes.start();
    await a.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => void serveRogue(stream, shard, { leaf: 12, after: late.promise }).catch(() => undefined));
    const b = await fetchHere({ stallMs: 1e9 });
    const meshB = await nodes.start();
    const blocks = new BlockServer({ shelf: b.store, clock: systemClock, agent: 'test' });
    await meshB.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => blocks.accept(stream));
    await b.add(addressOf(a));
    // C knows B alone, which lacks a block that C can therefore not have either.
    const c = await fetchHere({ refreshMs: 50 });
    await c.add(addressOf(meshB));
    await c.progress(12 * LEAF_BYTES);
    expect(b.events.some(({ kind }) => kind === 'shard')).toBe(false);
    late.resolve();
    await Promise.all([b.fetch.done, c.fetch.done]);
    expect((await readFile(c.path)).equals(shard.bytes)).toBe(true);
  });
});
