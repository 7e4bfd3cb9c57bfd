import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { systemClock, type PeerId } from '../../src-main/base/index.ts';
import { ensureConnected } from '../../src-main/host/connect.ts';
import { openPeerSource } from '../../src-main/host/open-peer-source.ts';
import type { Mesh } from '../../src-main/mesh/index.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer, BufferPool, LEAF_BYTES, LocalStore, type Source, type SourceSink } from '../../src-main/store/index.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';
import { deafHost, silentHost } from '../support/silent-host.ts';

const nodes = new TestNodes();
const stops: Array<() => void> = [];
const pool = new BufferPool(LEAF_BYTES, 4);
let folder = '';
let shard: ShardFixture;
let store: LocalStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-silent-'));
  shard = await writeShard(folder, 'shard.bin', 2);
  store = new LocalStore({ folder: join(folder, 'store') });
  await store.add(shard.path, shard.tree);
});
afterEach(async () => {
  stops.splice(0).forEach((stop) => stop());
  await nodes.stop();
});
afterAll(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

async function stopped<T extends { stop(): void }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  stops.push(() => started.stop());
  return started;
}

/** Gives the shard; tells of each stream. */
async function giver(onStream: () => void = () => undefined): Promise<Mesh> {
  const mesh = await nodes.start();
  const blocks = new BlockServer({ shelf: store, clock: systemClock, agent: 'test' });
  await mesh.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => { onStream(); blocks.accept(stream); });
  return mesh;
}

/** Hears of no source that ended before it was one. */
const sink: SourceSink = { heard: () => undefined, leaf: () => undefined, refused: () => undefined, ended: (_source, error) => { throw error; } };

const at = (address: string, peer: PeerId): string => `${address}/p2p/${peer}`;
const open = (mesh: Mesh, addresses: readonly string[]): Promise<Source> => openPeerSource({ mesh, addresses, sink, pool, agent: 'test' });

it('goes on to the next address while one is silent, which is let go then', async () => {
  const order: string[] = [];
  const silent = await stopped(silentHost());
  const far = await giver(() => order.push('answered'));
  const letGo = silent.letGo.then(() => order.push('let go'));
  const source = await open(await nodes.start({ listen: [] }), [at(silent.address, far.peerId), addressOf(far)]);
  expect(await source.holdings([shard.cid])).toEqual([{ held: 'all', sizeBytes: shard.sizeBytes }]);
  await letGo;
  expect(order).toEqual(['answered', 'let go']);
  source.close();
});

it.skipIf(process.platform !== 'linux')('goes on past several that never accept', async () => {
  const deaf = await stopped(deafHost());
  const far = await giver();
  const wrong = [1, 2, 3].map(() => at(deaf.address, far.peerId));
  const source = await open(await nodes.start({ listen: [] }), [...wrong, addressOf(far)]);
  expect(source.name).toBe(far.peerId);
  source.close();
});

it('goes on past one that takes the stream and does not greet', async () => {
  const lazy = await nodes.start();
  const ended = Promise.withResolvers<Error | undefined>();
  await lazy.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => ended.resolve(stream.closed));
  const far = await giver();
  const source = await open(await nodes.start({ listen: [] }), [addressOf(lazy), addressOf(far)]);
  expect(source.name).toBe(far.peerId);
  expect(await ended.promise).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
  source.close();
});

it.each(['outbound', 'inbound'])('takes a connection of the mesh that is there (%s) when no address answers', async (direction) => {
  const silent = await stopped(silentHost());
  const [near, far] = [await nodes.start(), await giver()];
  const [from, to] = direction === 'outbound' ? [near, far] : [far, near];
  const met = near.events.once('peer:connect', { accept: () => true, signal: AbortSignal.timeout(10_000) });
  await from.dial(addressOf(to));
  await met;
  const source = await open(near, [at(silent.address, far.peerId)]);
  expect(await source.holdings([shard.cid])).toEqual([{ held: 'all', sizeBytes: shard.sizeBytes }]);
  await silent.letGo;
  source.close();
});

it('begins where the peer was reached before', async () => {
  const silent = await stopped(silentHost());
  const far = await giver();
  const near = await nodes.start({ listen: [] });
  await near.dial(addressOf(far));
  const addresses = [at(silent.address, far.peerId), addressOf(far)];
  (await open(near, addresses)).close();
  expect(silent.count()).toBe(0);
  await near.hangUp(far.peerId);
  (await open(near, addresses)).close();
  expect(silent.count()).toBe(1);
});

it('fails when every address does, with what ended the last', async () => {
  const far = await giver();
  const [address, id] = [addressOf(far), far.peerId];
  await far.stop();
  await expect(open(await nodes.start({ listen: [] }), [address, at('/ip4/127.0.0.1/tcp/1', id)])).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'refused' } });
  await expect(open(await nodes.start({ listen: [] }), [])).rejects.toMatchObject({ code: 'EXCHANGE_LINK_LOST' });
});

it('connects to a peer of the mesh past a silent address, and gives the caller’s reason when it is called off', async () => {
  const silent = await stopped(silentHost());
  const far = await giver();
  const near = await nodes.start({ listen: [] });
  const order: string[] = [];
  const letGo = silent.letGo.then(() => order.push('let go'));
  await ensureConnected(near, { peer: far.peerId, addresses: [at(silent.address, far.peerId), addressOf(far)] });
  await letGo;
  expect(near.peers().map(({ peer }) => peer)).toEqual([far.peerId]);
  await near.hangUp(far.peerId);
  const both = [at(silent.address, far.peerId), at(silent.address, far.peerId)];
  await expect(ensureConnected(near, { peer: far.peerId, addresses: both, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'aborted' } });
});
