import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asPeerId, asShardCid, noMetrics, silentLogger, systemClock } from '../../src-main/base/index.ts';
import { appPaths, createNode, fetchModel, listProviders, loadSettings, repairStore, shardModelFile, shareStore, verifyStore, type FetchModelRequest, type Node, type Settings, type ShardedModel, type Sharing, type TransferEvent } from '../../src-main/host/index.ts';
import { ModelSources } from '../../src-main/host/model-sources.ts';
import { Transfer } from '../../src-main/host/transfer.ts';
import { createMesh } from '../../src-main/mesh/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, Catalog, LEAF_BYTES, treeOfFile } from '../../src-main/store/index.ts';
import { serveRogue } from '../support/rogue-source.ts';

const paths = appPaths();
const stops: Array<() => Promise<unknown>> = [];
let folder = '';
let origin: Settings;
let model: ShardedModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-fetch-'));
  origin = await loadSettings({ home: join(folder, 'a') }, {});
  model = await shardModelFile(origin.config, { paths, model: 'omni-guide', plan: { kind: 'even', shards: 3 } });
});
afterEach(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });
afterAll(() => rm(folder, { recursive: true }));

let homes = 0;
const home = (): Promise<Settings> => loadSettings({ home: join(folder, `home-${homes++}`) }, {});

function withCatalog<T>({ config }: Settings, act: (catalog: Catalog) => T): T {
  const catalog = new Catalog(join(config.home, 'store', 'catalog.db'));
  try {
    return act(catalog);
  } finally {
    catalog.close();
  }
}

/** A node of the product that gives what its store holds. */
async function share(settings: Settings): Promise<{ node: Node; sharing: Sharing; address: string }> {
  const node = await createNode({ settings, paths, shards: [], identity: 'file' });
  stops.push(() => node.stop());
  await node.start();
  const sharing = await shareStore({ config: settings.config, paths, mesh: node.mesh });
  stops.push(() => sharing.stop());
  return { node, sharing, address: node.mesh.addresses()[0]! };
}

const fetch = (settings: Settings, request: Partial<FetchModelRequest>, onEvent?: (event: TransferEvent) => void) =>
  fetchModel(settings.config, { manifestCid: model.manifestCid, peers: [], urls: [], ...request }, { paths, signal: new AbortController().signal, ...(onEvent === undefined ? {} : { onEvent }) });

describe('damaged blocks', () => {
  it('are fetched again from who has them, and nothing else is', async () => {
    const { address } = await share(origin);
    const d = await home();
    await fetch(d, { peers: [address] });
    const piece = model.manifest.shards[1]!;
    const path = withCatalog(d, (catalog) => catalog.shards.files(piece.cid)[0]!.path);
    const file = await open(path, 'r+');
    await file.write(Buffer.from('other bytes'), 0, 11, 1000);
    await file.close();
    const { damaged } = await verifyStore(d.config, {});
    expect(damaged).toMatchObject([{ path, leaves: [0] }]);
    const repaired = await repairStore(d.config, { damaged, peers: [address] }, { paths, signal: new AbortController().signal });
    expect(repaired).toMatchObject({ paths: [path], bytesFetched: Math.min(LEAF_BYTES, piece.size_bytes) });
    expect((await readFile(path)).equals(await readFile(join(model.folder, piece.file_name)))).toBe(true);
    expect(await verifyStore(d.config, {})).toMatchObject({ damaged: [], gone: [] });
    expect(await repairStore(d.config, { damaged: [], peers: [address] }, { paths, signal: new AbortController().signal })).toBeUndefined();
  });
});

describe('a peer that lies', () => {
  it('is remembered, and not sought out again for some time', async () => {
    const honest = await share(origin);
    const liar = await createMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test' }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
    stops.push(() => liar.stop());
    await liar.start();
    const piece = model.manifest.shards[1]!;
    const path = join(model.folder, piece.file_name);
    const fixture = { cid: asShardCid(piece.cid), path, tree: await treeOfFile(path), bytes: await readFile(path), sizeBytes: piece.size_bytes };
    await liar.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => void serveRogue(stream, fixture, 'flipped bit').catch(() => undefined));
    const d = await home();
    const events: TransferEvent[] = [];
    const fetched = fetch(d, { peers: [liar.addresses()[0]!, honest.address] }, (event) => events.push(event));
    expect((await fetched).report.bytesFetched).toBe(model.manifest.total_size_bytes);
    await expect.poll(() => events).toContainEqual(expect.objectContaining({ kind: 'dropped', source: liar.peerId }));
    const at = { ttlMs: 60_000, addresses: [liar.addresses()[0]!] };
    const listed = withCatalog(d, (catalog) => {
      catalog.providers.seen(model.manifestCid, liar.peerId, at);
      catalog.providers.seen(model.manifestCid, asPeerId('another'), at);
      return catalog.liars.all().map(({ peer, lies }) => [peer, lies]);
    });
    expect(listed).toEqual([[liar.peerId, 1]]);
    const [item] = await listProviders(d.config, model.manifestCid);
    expect(new Map(item?.providers.map(({ peerId, isPassedOver }) => [peerId, isPassedOver]))).toEqual(new Map<string, boolean>([[liar.peerId, true], ['another', false], [honest.node.mesh.peerId, false]]));
    const found: string[] = [];
    const sources = await ModelSources.open(d.config, { members: [], ways: { members: false, dht: false }, onFound: ({ peer }) => found.push(peer) });
    const routes = sources.routesTo([model.manifestCid], new AbortController().signal);
    for await (const route of routes.routes) expect(route).not.toEqual([]);
    await sources.close();
    expect(found.toSorted()).toEqual(['another', honest.node.mesh.peerId].toSorted());
  });
});

describe('a model', () => {
  it('goes from A to B in parts, and from A and B whole to D, which is told where their transfer processes are', async () => {
    const a = await share(origin);
    // Another process of the same node: its addresses are others, its identity is not.
    expect(a.sharing.transfer!.peerId).toBe(a.node.mesh.peerId);
    expect(a.sharing.transfer!.addresses.some((address) => a.node.mesh.addresses().includes(address))).toBe(false);
    const b = await home();
    const part = await fetch(b, { peers: [a.address], layers: { first: 2, last: 3 } });
    expect(part.report.bytesFetched).toBe(part.report.bytesTotal);
    expect(part.report.bytesTotal).toBeLessThan(part.manifest.total_size_bytes);
    const fromB = (await share(b)).address;
    const got = join(folder, 'd-parts');
    const events: TransferEvent[] = [];
    const d = await home();
    const { report } = await fetch(d, { peers: [fromB, a.address], folder: got }, (event) => events.push(event));
    expect(report.bytesFetched).toBe(model.manifest.total_size_bytes);
    expect(events.filter(({ kind }) => kind === 'shard')).toHaveLength(4);
    expect((await readdir(got)).sort()).toEqual((await readdir(model.folder)).sort());
    for (const name of await readdir(got)) expect((await readFile(join(got, name))).equals(await readFile(join(model.folder, name)))).toBe(true);
    // A second time nothing is asked for.
    expect((await fetch(d, { peers: [a.address] })).report.bytesFetched).toBe(0);
  });

  it('that is unknown, badly named, or asked in layers that it has not, is refused for what it is', async () => {
    const { address } = await share(origin);
    const other = model.manifestCid.replace(/.{8}$/, 'aaaaaaaa');
    await expect(fetch(await home(), { manifestCid: other, peers: [address] })).rejects.toMatchObject({ code: 'EXCHANGE_NOT_FOUND', fault: 'user' });
    await expect(fetch(await home(), { manifestCid: 'model', peers: [address] })).rejects.toMatchObject({ code: 'EXCHANGE_BAD_CID', fault: 'user' });
    await expect(fetch(await home(), { peers: [address], layers: { first: 3, last: 99 } })).rejects.toMatchObject({ code: 'HOST_BAD_RANGE', fault: 'user' });
    await expect(fetch(await home(), { peers: ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWLGhttsQkuqn5xe46oFnc3vopSwcaU8C75uNZS5Ywh2Qh'] })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
  });
});

describe('the transfer process', () => {
  const start = async (): Promise<Transfer> => {
    const { config } = await home();
    const transfer = await Transfer.start({ home: config.home, logLevel: 'silent', listen: ['/ip4/127.0.0.1/tcp/0'], processPath: paths.transferProcess });
    stops.push(() => transfer.stop());
    return transfer;
  };
  const shards = (): Array<{ cid: never; sizeBytes: number; fileName: string }> => model.manifest.shards.map(({ cid, size_bytes, file_name }) => ({ cid: cid as never, sizeBytes: size_bytes, fileName: file_name }));

  it('ends a fetch that is called off, or that nobody can serve, with the reason', async () => {
    const transfer = await start();
    const controller = new AbortController();
    const fetching = transfer.fetch({ shards: shards(), peers: [], urls: [], signal: controller.signal });
    controller.abort();
    await expect(fetching).rejects.toMatchObject({ code: 'EXCHANGE_CANCELLED', fault: 'user' });
    await expect(transfer.fetch({ shards: shards(), peers: [], urls: [], patienceMs: 0 })).rejects.toMatchObject({ code: 'EXCHANGE_NO_SOURCES', retryable: true });
  });

  it('that dies is reported to all who wait', async () => {
    const transfer = await start();
    const fetching = transfer.fetch({ shards: shards(), peers: [], urls: [] });
    process.kill(transfer.pid, 'SIGKILL');
    await expect(fetching).rejects.toMatchObject({ code: 'HOST_TRANSFER_GONE', retryable: true });
    await expect(transfer.fetch({ shards: [], peers: [], urls: [] })).rejects.toMatchObject({ code: 'HOST_TRANSFER_GONE' });
  });

  it('that cannot listen does not start', async () => {
    const { config } = await home();
    const taken = (await start()).addresses[0]!.replace(/\/p2p.*/, '');
    await expect(Transfer.start({ home: config.home, logLevel: 'silent', listen: [taken], processPath: paths.transferProcess })).rejects.toMatchObject({ code: 'MESH_PORT_IN_USE' });
  });
});
