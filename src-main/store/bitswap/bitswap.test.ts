import { randomFillSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { asPeerId, asShardCid, BoundedQueue, ManualClock, systemClock, type PeerId, type ShardCid } from '../../base/index.ts';
import { HASH_BYTES, LEAF_BYTES, rootOf, type ShardTree } from '../dag/index.ts';
import type { BlockStream, ReceivedLeaf, ServedShard, SourceSink } from '../exchange/index.ts';
import { hashTree } from '../dag/index.ts';
import { bufferSource } from '../gguf/source.ts';
import { Bitswap } from './bitswap.ts';
import type { BitswapInit } from './ports.ts';

const [NEAR, FAR] = [asPeerId('near'), asPeerId('far')];

/** The two ends of a stream that one side only writes and the other only reads. */
function pipe(from: PeerId, to: PeerId): [BlockStream, BlockStream] {
  const frames = new BoundedQueue<Uint8Array>(10_000);
  const gone = Promise.withResolvers<Error | undefined>();
  const end = (error?: Error): void => { frames.end(error); gone.resolve(error); };
  const writer: BlockStream = { peer: to, send: (...parts) => { frames.push(Buffer.concat(parts)); return Promise.resolve(); }, close: () => { end(); return Promise.resolve(); }, abort: end, closed: gone.promise, [Symbol.asyncIterator]: () => new BoundedQueue<Uint8Array>(1)[Symbol.asyncIterator]() };
  const reader: BlockStream = { ...writer, peer: from, close: () => Promise.resolve(), [Symbol.asyncIterator]: () => ({ next: () => frames.next() }) };
  return [writer, reader];
}

const NOTHING: Pick<BitswapInit, 'shelf' | 'directory'> = { shelf: { find: () => Promise.resolve(undefined) }, directory: { list: () => [], tree: () => undefined } };

function join(far: Partial<BitswapInit>): { near: Bitswap; far: Bitswap } {
  const nodes: { near: Bitswap; far: Bitswap } = {
    near: new Bitswap({ ...NOTHING, clock: systemClock, caps: () => [], open: () => { const [ours, theirs] = pipe(NEAR, FAR); nodes.far.accept(theirs); return Promise.resolve(ours); } }),
    far: new Bitswap({ ...NOTHING, clock: systemClock, caps: () => [], open: () => { const [ours, theirs] = pipe(FAR, NEAR); nodes.near.accept(theirs); return Promise.resolve(ours); }, ...far }),
  };
  return nodes;
}

/** A shelf with one shard, whose bytes may be absent. */
function shelfOf(tree: ShardTree, bytes?: Buffer): Pick<BitswapInit, 'shelf' | 'directory'> {
  const shard: ServedShard = {
    cid: tree.cid, sizeBytes: tree.sizeBytes, held: () => 'all', leafHashes: () => Promise.resolve(tree.leafHashes), close: () => Promise.resolve(),
    read: (leaf) => Promise.resolve(bytes!.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)),
  };
  return { shelf: { find: (cid) => Promise.resolve(cid === tree.cid ? shard : undefined) }, directory: { list: () => [tree.cid], tree: (cid) => (cid === tree.cid ? tree : undefined) } };
}

function sink(onLeaf: (leaf: ReceivedLeaf) => void = () => undefined): SourceSink {
  return { heard: () => undefined, refused: () => undefined, ended: () => undefined, leaf: (_, leaf) => onLeaf(leaf) };
}

/** Of leaves that nobody has: their hashes alone make a tree. */
function imagined(leaves: number): ShardTree {
  const tree = { leafHashes: randomFillSync(new Uint8Array(leaves * HASH_BYTES)), sizeBytes: leaves * LEAF_BYTES - 5 };
  return { ...tree, cid: rootOf(tree) };
}

it.each([2, 1024, 1025, 3000])('learns the tree of a shard of %d leaves from its nodes', async (leaves) => {
  const tree = imagined(leaves);
  const { near } = join(shelfOf(tree));
  const source = near.source(FAR, sink());
  expect(await source.holdings([tree.cid, asShardCid('bafkr4iekp6xwwzyy6rp4ljn46y723qordkrhnc6kvtatcf3uktxzimpdoi')])).toEqual([{ held: 'all', sizeBytes: tree.sizeBytes }, { held: 'none', sizeBytes: 0 }]);
  expect(await source.tree(tree.cid, tree.sizeBytes)).toEqual(tree);
  source.close();
});

it('keeps to the caps before a block goes out, also for the peer that waits behind', async () => {
  const bytes = randomFillSync(Buffer.alloc(2 * LEAF_BYTES + 100));
  const tree = await hashTree(bufferSource(bytes));
  const [taken, gate]: [number[], PromiseWithResolvers<void>] = [[], Promise.withResolvers<void>()];
  const { near } = join({ ...shelfOf(tree, bytes), caps: (peer) => [{ take: (count) => { expect(peer).toBe(NEAR); taken.push(count); return gate.promise; } }] });
  const [leaves, all]: [ReceivedLeaf[], PromiseWithResolvers<void>] = [[], Promise.withResolvers<void>()];
  const source = near.source(FAR, sink((leaf) => { leaves.push(leaf); if (leaves.length === 3) all.resolve(); }));
  source.ask({ tree, first: 0, count: 3 });
  expect(source.askedLeaves).toBe(3);
  gate.resolve();
  await all.promise;
  expect(Buffer.concat(leaves.map((leaf) => leaf.bytes)).equals(bytes)).toBe(true);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(bytes.length);
  expect(Math.max(...taken)).toBeLessThanOrEqual(256 * 1024);
  expect(source.askedLeaves).toBe(0);
});

it('asks once for a block that a shard has several times, and fills each place with it', async () => {
  const bytes = Buffer.alloc(3 * LEAF_BYTES);
  const tree = await hashTree(bufferSource(bytes));
  const taken: number[] = [];
  const { near } = join({ ...shelfOf(tree, bytes), caps: () => [{ take: (count) => { taken.push(count); return Promise.resolve(); } }] });
  const [leaves, all]: [number[], PromiseWithResolvers<void>] = [[], Promise.withResolvers<void>()];
  near.source(FAR, sink(({ leaf }) => { leaves.push(leaf); if (leaves.length === 3) all.resolve(); })).ask({ tree, first: 0, count: 3 });
  await all.promise;
  expect(leaves).toEqual([0, 1, 2]);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(LEAF_BYTES);
});

it('takes a block that was called off for no lie, also after the fetch that asked for it', async () => {
  const bytes = randomFillSync(Buffer.alloc(2 * LEAF_BYTES));
  const tree = await hashTree(bufferSource(bytes));
  const gate = Promise.withResolvers<void>();
  const { near } = join({ ...shelfOf(tree, bytes), caps: () => [{ take: () => gate.promise }] });
  near.source(FAR, sink()).ask({ tree, first: 0, count: 1 });
  // Far has begun with it by the time it hears of the cancel.
  await new Promise(setImmediate);
  const closing = near.source(FAR, sink());
  closing.close();
  const ended: unknown[] = [];
  const arrived = Promise.withResolvers<ReceivedLeaf>();
  const next = near.source(FAR, { ...sink(arrived.resolve), ended: (_, error) => void ended.push(error) });
  next.ask({ tree, first: 1, count: 1 });
  gate.resolve();
  expect((await arrived.promise).leaf).toBe(1);
  expect(ended).toEqual([]);
});

it('ends its sources when the peer is gone, and says why', async () => {
  const { near } = join({});
  const source = near.source(FAR, sink());
  near.lost(FAR);
  expect(await source.closed).toMatchObject({ code: 'EXCHANGE_LINK_LOST', retryable: true });
});

it('looks for shards that came later a second after it looked, not before', async () => {
  const bytes = randomFillSync(Buffer.alloc(LEAF_BYTES));
  const tree = await hashTree(bufferSource(bytes));
  const clock = new ManualClock();
  const shards: ShardCid[] = [];
  let looks = 0;
  const { near } = join({ ...shelfOf(tree, bytes), shelf: { find: () => Promise.resolve(undefined) }, clock, directory: { list: () => { looks++; return shards; }, tree: () => tree } });
  const ask = (): Promise<unknown> => { const source = near.source(FAR, sink()); return source.holdings([tree.cid]).finally(() => source.close()); };
  await ask();
  await ask();
  expect(looks).toBe(1);
  clock.advance(1000);
  await ask();
  expect(looks).toBe(2);
});
