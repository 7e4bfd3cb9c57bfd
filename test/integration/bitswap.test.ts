import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CID } from 'multiformats/cid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asShardCid, noMetrics, silentLogger, type PeerId } from '../../src-main/base/index.ts';
import { TransferNode, type TransferNodeOptions, type TransferShard } from '../../src-main/host/transfer-node.ts';
import type { FrameStream } from '../../src-main/mesh/index.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { BITSWAP_LIMITS, BITSWAP_PROTOCOL, cidOfManifest, cutModel, encodeBitswapBlock, encodeManifestCbor, encodeBitswapWants, HASH_BYTES, innerNodes, LEAF_BYTES, leafCid, leafHash, type BitswapMessage, type BitswapWant } from '../../src-main/store/index.ts';
import { BitswapSpeaker } from '../support/bitswap-speaker.ts';
import type { HeliaPeerSetup } from '../support/helia-peer.ts';
import { generateModel } from '../support/models/index.ts';
import { SaidProcess } from '../support/said-process.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';

const SCRIPT = fileURLToPath(new URL('../support/helia-peer.ts', import.meta.url));
const peers: SaidProcess[] = [];
const running: TransferNode[] = [];
const nodes = new TestNodes();
let folder = '';
let shard: ShardFixture;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-bitswap-'));
  shard = await writeShard(folder, 'shard.bin', 20);
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.kill()));
  await Promise.all(running.splice(0).map((node) => node.stop()));
  await nodes.stop();
});
afterAll(() => rm(folder, { recursive: true }));

let places = 0;
async function place(): Promise<string> {
  const path = join(folder, `place-${places++}`);
  await mkdir(path);
  return path;
}

async function ours(fixtures: readonly ShardFixture[] = [], more: Partial<TransferNodeOptions> = {}): Promise<TransferNode> {
  const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen: ['/ip4/127.0.0.1/tcp/0'], home: await place(), logger: silentLogger, metrics: noMetrics, ...more });
  running.push(node);
  await node.start();
  for (const { path, tree } of fixtures) await node.store.add(path, tree);
  return node;
}

function helia(setup: HeliaPeerSetup): SaidProcess {
  const peer = new SaidProcess(SCRIPT, setup);
  peers.push(peer);
  return peer;
}

const addressFrom = async (peer: SaidProcess): Promise<string> => String(((await peer.says('ready'))['addresses'] as string[])[0]);
const listOf = (fixtures: readonly ShardFixture[]): TransferShard[] => fixtures.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, fileName: 'unused' }));
const gotPath = (node: TransferNode, { cid }: ShardFixture): string => node.store.catalog.shards.files(cid)[0]!.path;

describe('a node of IPFS', () => {
  it('reads a shard from us by its CID, bit for bit', async () => {
    const node = await ours([shard]);
    const into = join(await place(), 'got.bin');
    await helia({ read: { cid: shard.cid, from: addressOf(node.mesh), into } }).says('read');
    expect((await readFile(into)).equals(shard.bytes)).toBe(true);
  });

  it('gives us a shard that it has, bit for bit', async () => {
    const from = await addressFrom(helia({ files: [shard.path] }));
    const node = await ours();
    const report = await node.fetch({ shards: listOf([shard]), peers: [from], urls: [] });
    expect(report).toMatchObject({ bytesFetched: shard.sizeBytes, sources: [{ bytes: shard.sizeBytes }] });
    expect((await readFile(gotPath(node, shard))).equals(shard.bytes)).toBe(true);
  });

  it('gives what it has of a shard, and a node of ours the rest', async () => {
    const from = await addressFrom(helia({ files: [shard.path], without: [0, 7, 20] }));
    const [other, node] = [await ours([shard]), await ours()];
    const report = await node.fetch({ shards: listOf([shard]), peers: [from, addressOf(other.mesh)], urls: [] });
    expect(report.sources.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect((await readFile(gotPath(node, shard))).equals(shard.bytes)).toBe(true);
  });

  it('reads a manifest from us, and gives one to us', async () => {
    const model = join(await place(), 'model.gguf');
    await generateModel({ path: model, architecture: 'llama', type: 'F16', layers: 2 });
    const node = await ours();
    const manifest = await cutModel({ model, folder: await place(), plan: { kind: 'even', shards: 2 }, onPiece: (path, tree) => node.store.add(path, tree) });
    const cid = node.store.addModel(manifest);
    const bytes = encodeManifestCbor(manifest);
    const reader = helia({ block: { cid, from: addressOf(node.mesh) } });
    expect(await reader.says('block')).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex') });
    const second = await ours();
    expect(Buffer.from(await second.block(asShardCid(cidOfManifest(manifest)), [await addressFrom(reader)])).equals(bytes)).toBe(true);
    // A shard of one leaf has the leaf's name.
    const { vocabulary } = manifest;
    await second.fetch({ shards: [{ cid: asShardCid(vocabulary.cid), sizeBytes: vocabulary.size_bytes, fileName: 'unused' }], peers: [addressOf(node.mesh)], urls: [] });
    expect(await helia({ block: { cid: vocabulary.cid, from: addressOf(second.mesh) } }).says('block')).toMatchObject({ sizeBytes: vocabulary.size_bytes });
  });

  it('finds no bitswap where it is switched off', async () => {
    const node = await ours([shard], { bitswap: false });
    const mesh = await nodes.start({ listen: [] });
    await expect(mesh.open(await mesh.dial(addressOf(node.mesh)), BITSWAP_PROTOCOL, { limits: BITSWAP_LIMITS })).rejects.toMatchObject({ code: 'MESH_PROTOCOL_UNSUPPORTED' });
  });
});

const want = (cid: CID, more: Partial<BitswapWant> = {}): BitswapWant => ({ cid, kind: 'block', isCancel: false, wantsRefusal: true, ...more });
const leafOf = ({ tree }: ShardFixture, leaf: number): CID => leafCid(leafHash(tree.leafHashes, leaf));
const blocksIn = (said: readonly BitswapMessage[]): Uint8Array[] => said.flatMap(({ blocks }) => blocks.map(({ data }) => data));
const refusedIn = (said: readonly BitswapMessage[]): string[] => said.flatMap(({ presences }) => presences.filter(({ isHere }) => !isHere).map(({ cid }) => cid.toString()));

/** A peer that says by hand what it wants of a node of ours. */
async function asking(node: TransferNode): Promise<{ speaker: BitswapSpeaker; peer: PeerId }> {
  const mesh = await nodes.start({ listen: [] });
  const speaker = await BitswapSpeaker.on(mesh);
  return { speaker, peer: await mesh.dial(addressOf(node.mesh)) };
}

describe('what a peer asks of us', () => {
  it('is answered with the block, whether it is here, or that it is not', async () => {
    const node = await ours([shard]);
    const { speaker, peer } = await asking(node);
    const other = leafCid(new Uint8Array(HASH_BYTES));
    const foreign = CID.parse('bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi');
    await speaker.want(peer, [want(leafOf(shard, 20)), want(leafOf(shard, 3), { kind: 'have' }), want(other), want(foreign), want(leafCid(new Uint8Array(HASH_BYTES).fill(1)), { wantsRefusal: false })]);
    await speaker.until((said) => refusedIn(said).length >= 2);
    expect(blocksIn(speaker.said).map((data) => Buffer.from(data).equals(shard.bytes.subarray(20 * LEAF_BYTES)))).toEqual([true]);
    expect(refusedIn(speaker.said)).toEqual([other.toString(), foreign.toString()]);
    expect(speaker.said.flatMap(({ presences }) => presences.filter(({ isHere }) => isHere).map(({ cid }) => cid.toString()))).toEqual([leafOf(shard, 3).toString()]);
  });

  it('is what is here now: a shard that came later too, and none that went', async () => {
    const [later, gone] = [await writeShard(folder, 'later.bin', 2), await writeShard(folder, 'gone.bin', 2)];
    const node = await ours([shard, gone]);
    const { speaker, peer } = await asking(node);
    await speaker.want(peer, [want(leafOf(later, 1)), want(leafOf(shard, 0))]);
    await speaker.until((said) => refusedIn(said).length === 1 && blocksIn(said).length === 1);
    node.store.catalog.shards.delete(gone.path);
    await speaker.want(peer, [want(leafOf(gone, 1))]);
    await speaker.until((said) => refusedIn(said).length === 2);
    expect(refusedIn(speaker.said)).toEqual([leafOf(later, 1), leafOf(gone, 1)].map(String));
    await node.store.add(later.path, later.tree);
    // The list of shards is read anew after a second at most: it is asked until then.
    while (blocksIn(speaker.said).length === 1) {
      const before = speaker.said.length;
      await speaker.want(peer, [want(leafOf(later, 1))]);
      await speaker.until((said) => said.length > before);
    }
    expect(Buffer.from(blocksIn(speaker.said)[1]!).equals(later.bytes.subarray(LEAF_BYTES, 2 * LEAF_BYTES))).toBe(true);
  });

  it('is not given when it was called off, and once when asked twice', async () => {
    const { speaker, peer } = await asking(await ours([shard]));
    await speaker.want(peer, [want(leafOf(shard, 0)), want(leafOf(shard, 1)), want(leafOf(shard, 0)), want(leafOf(shard, 1), { isCancel: true }), want(leafOf(shard, 20))]);
    await speaker.until((said) => blocksIn(said).length === 2);
    expect(blocksIn(speaker.said).map((data) => data.length)).toEqual([LEAF_BYTES, 1000]);
  });

  it.each<[string, (stream: FrameStream) => Promise<void>]>([
    ['garbage', (stream) => stream.send(Buffer.alloc(500, 0xff))],
    ['a want without a CID', (stream) => stream.send(Buffer.of(0x0a, 0x04, 0x0a, 0x02, 0x10, 0x01))],
    ['more wants than fit', (stream) => stream.send(encodeBitswapWants(Array.from({ length: 4097 }, () => want(leafOf(shard, 0)))))],
    ['a message that is too long', (stream) => stream.send(Buffer.alloc(BITSWAP_LIMITS.maxFrameBytes + 1))],
    ['wants without end', async (stream) => { for (;;) await stream.send(encodeBitswapWants(Array.from({ length: 4096 }, () => want(leafOf(shard, 0), { kind: 'have' })))); }],
  ])('ends its stream when it is %s, and nobody else is the worse for it', async (_, misbehave) => {
    const node = await ours([shard]);
    const { speaker, peer } = await asking(node);
    const stream = await speaker.open(peer);
    await misbehave(stream).catch(() => undefined);
    expect(await stream.closed).toMatchObject({ code: expect.stringMatching(/^MESH_(STREAM_CLOSED_BY_PEER|CONNECTION_LOST)$/) });
    const { speaker: honest, peer: same } = await asking(node);
    await honest.want(same, [want(leafOf(shard, 5))]);
    await honest.until((said) => blocksIn(said).length === 1);
    expect(Buffer.from(blocksIn(honest.said)[0]!).equals(shard.bytes.subarray(5 * LEAF_BYTES, 6 * LEAF_BYTES))).toBe(true);
  });
});

describe('a peer that we fetch from', () => {
  const flipped = (bytes: Buffer): Buffer => { const copy = Buffer.from(bytes); copy[5]! ^= 1; return copy; };

  it.each<[string, (cid: CID, bytes: Buffer) => readonly Uint8Array[], string]>([
    ['other bytes', (cid, bytes) => encodeBitswapBlock(cid, flipped(bytes)), 'EXCHANGE_UNASKED'],
    ['a block under another hash', (_, bytes) => encodeBitswapBlock(CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'), bytes), 'EXCHANGE_UNASKED'],
    ['garbage', () => [Buffer.alloc(99, 0xff)], 'BITSWAP_BAD_MESSAGE'],
  ])('and that sends %s is named and dropped, and the shard arrives', async (_, lie, code) => {
    const rogue = await nodes.start();
    const inner = nodesOf(shard);
    const speaker = await BitswapSpeaker.on(rogue, async ({ wants }, peer) => {
      for (const wanted of wants.filter(({ isCancel }) => !isCancel)) {
        const node = inner.get(wanted.cid.toString());
        await speaker.send(peer, ...node === undefined ? lie(wanted.cid, shard.bytes.subarray(0, LEAF_BYTES)) : encodeBitswapBlock(wanted.cid, node));
      }
    });
    const [honest, node] = [await ours([shard], { uploadBytesPerSecond: 20_000_000 }), await ours()];
    const dropped: unknown[] = [];
    await node.fetch({ shards: listOf([shard]), peers: [addressOf(rogue), addressOf(honest.mesh)], urls: [], onEvent: (event) => { if (event.kind === 'dropped') dropped.push([event.source, event.error.code, event.error.fault]); } });
    expect(dropped).toEqual([[rogue.peerId, code, 'peer']]);
    expect((await readFile(gotPath(node, shard))).equals(shard.bytes)).toBe(true);
  });
});

/** The inner nodes of a shard, by CID. */
const nodesOf = ({ tree }: ShardFixture): ReadonlyMap<string, Uint8Array> => new Map([...innerNodes(tree)].map(({ cid, bytes }) => [cid.toString(), bytes]));
