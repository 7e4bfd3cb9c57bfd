import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { appPaths, fetchModel, listProviders, loadSettings, shardModelFile, shareStore, type FetchedModel, type FoundProvider, type Settings, type ShardedModel } from '../../src-main/host/index.ts';
import type { FinderInit } from '../../src-main/host/find-providers.ts';
import type { TopicMessage } from '../../src-main/mesh/index.ts';
import { TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { encodeAnnouncement, PROVIDERS_TOPIC, type Announcement } from '../../src-main/store/index.ts';
import { heardAt, QUICK, SharingMembers, until, type Member } from '../support/sharing-members.ts';

const paths = appPaths();
const nodes = new TestNodes();
const members = new SharingMembers();
let folder = '';
let origin: Settings;
let model: ShardedModel;

/** Who is connected to whom is what a test says. */
const ALONE = { peerExchange: false, targetPeers: 0 };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-providers-'));
  origin = await loadSettings({ home: join(folder, 'a'), ...ALONE }, {});
  model = await shardModelFile(origin.config, { paths, model: 'omni-guide', plan: { kind: 'even', shards: 3 } });
});
afterEach(async () => {
  await nodes.stop();
  await members.stop();
});
afterAll(() => rm(folder, { recursive: true }));

let homes = 0;
const home = (more: object = {}): Promise<Settings> => loadSettings({ home: join(folder, `home-${homes++}`), ...ALONE, ...more }, {});

interface FetchSetup {
  readonly peers?: readonly string[];
  readonly ways?: FinderInit['ways'];
  readonly layers?: { first: number; last: number };
}

async function fetch(settings: Settings, { peers = [], ways, layers }: FetchSetup): Promise<FetchedModel & { readonly found: readonly FoundProvider[] }> {
  const found: FoundProvider[] = [];
  const fetched = await fetchModel(settings.config, { manifestCid: model.manifestCid, peers, urls: [], ...(layers === undefined ? {} : { layers }) }, {
    paths, signal: AbortSignal.timeout(50_000), onFound: (one) => void found.push(one), ...(ways === undefined ? {} : { ways }),
  });
  return { ...fetched, found };
}

const knownAt = (at: Pick<Member, 'settings'>): Promise<string[]> => heardAt(at, model.manifestCid);

describe('a model, asked for at a member that has none of it', () => {
  it('is fetched from who announced it there', async () => {
    const c = await members.start(await home());
    const a = await members.start(origin, { dial: [c], tell: { dht: false } });
    await until(async () => expect(await knownAt(c)).toEqual([a.node.mesh.peerId]));
    const { manifest, report, found } = await fetch(await home(), { peers: [c.address], ways: { dht: false }, layers: { first: 2, last: 3 } });
    expect(found.map(({ peer, via }) => ({ peer, via }))).toEqual([{ peer: a.node.mesh.peerId, via: 'member' }]);
    expect(report.bytesFetched).toBe(report.bytesTotal);
    expect(report.bytesTotal).toBeLessThan(manifest.total_size_bytes);
    expect(report.sources.filter(({ bytes }) => bytes > 0).map(({ name }) => name)).toEqual([a.node.mesh.peerId]);
  });

  it('is fetched from who has a record on the DHT', async () => {
    const c = await members.start(await home());
    const a = await members.start(origin, { dial: [c], tell: { gossip: false } });
    // The record is put as soon as A knows C as a member of the DHT.
    const { records } = c.node.mesh;
    const hasRecord = async (): Promise<boolean> => {
      for await (const _ of records!.find(model.manifestCid, AbortSignal.timeout(5000))) return true;
      return false;
    };
    await until(async () => expect(await hasRecord()).toBe(true));
    expect(await knownAt(c)).toEqual([]);
    const { manifest, report, found } = await fetch(await home(), { peers: [c.address], ways: { members: false } });
    expect(found).toEqual([{ peer: a.node.mesh.peerId, addresses: [a.address], via: 'dht' }]);
    expect(report.bytesFetched).toBe(manifest.total_size_bytes);
  });

  it('is fetched past a provider that died, and none is asked for when this home heard the announcement', async () => {
    const c = await members.start(await home({ dht: false }));
    const b = await members.start(await home({ dht: false }), { dial: [c] });
    const a = await members.start({ ...origin, config: { ...origin.config, dht: false } }, { dial: [c] });
    await until(async () => expect(await knownAt(b)).toEqual([a.node.mesh.peerId]));
    // Hearing of A made nobody dial it.
    expect(b.node.mesh.peers().map(({ peer }) => peer)).toEqual([c.node.mesh.peerId]);
    // B's fetch is another process of the same home: no address is given.
    const { report } = await fetch(b.settings, {});
    expect(report.bytesFetched).toBe(model.manifest.total_size_bytes);
    await until(async () => expect((await knownAt(c)).sort()).toEqual([a.node.mesh.peerId, b.node.mesh.peerId].sort()));
    // Somebody announces it, and is gone without a word.
    const dead = await nodes.start();
    await dead.dial(c.address);
    await dead.waitForSubscriber(PROVIDERS_TOPIC, AbortSignal.timeout(20_000));
    await dead.publish(PROVIDERS_TOPIC, encodeAnnouncement({ at: Date.now(), ttlMs: 60_000, addresses: [`/ip4/127.0.0.1/tcp/9/p2p/${dead.peerId}`], nodeAddresses: [], models: [{ manifest: model.manifestCid, pieces: Uint8Array.of(15) }], shards: [], gone: [] }));
    await until(async () => expect(await knownAt(c)).toContain(dead.peerId));
    await nodes.stop();
    // What B holds now it announced itself; A's transfers vanish without a word, and stay away for a second.
    const { pid } = a.sharing.transfer!;
    process.kill(pid, 'SIGKILL');
    const { found, report: second } = await fetch(await home(), { peers: [c.address], ways: { dht: false } });
    // A may come twice, when it is back at another place already.
    expect(new Set(found.map(({ peer }) => peer))).toEqual(new Set([a.node.mesh.peerId, b.node.mesh.peerId, dead.peerId]));
    expect(second.bytesFetched).toBe(model.manifest.total_size_bytes);
    // They come back at another place, which is announced.
    await vi.waitFor(() => expect(a.sharing.transfer!.pid).not.toBe(pid), { timeout: 20_000 });
    const [back = ''] = a.sharing.transfer!.addresses;
    await until(async () => expect((await listProviders(c.settings.config, model.manifestCid))[0]?.providers.flatMap(({ addresses }) => addresses)).toContain(back));
  }, 120_000);

  it('is nowhere when nobody has it, and nobody can be asked when no member is known', async () => {
    const c = await members.start(await home());
    await expect(fetch(await home(), { peers: [c.address] })).rejects.toMatchObject({ code: 'EXCHANGE_NOT_FOUND', fault: 'user' });
    await expect(fetch(await home(), {})).rejects.toMatchObject({ code: 'PROVIDERS_NONE_KNOWN', fault: 'user', next: expect.stringContaining('--peer') as string });
  });
});

describe('a node', () => {
  it('that leaves is forgotten at once, one that vanishes when its time is over', async () => {
    const c = await members.start(await home());
    const a = await members.start(origin, { dial: [c] });
    await until(async () => expect(await knownAt(c)).toEqual([a.node.mesh.peerId]));
    await a.sharing.stop();
    await until(async () => expect(await knownAt(c)).toEqual([]));
    const again = await shareStore({ config: origin.config, paths, mesh: a.node.mesh, times: { ...QUICK, ttlMs: 2000, retellMs: 60_000 } });
    members.endsWith(() => again.stop());
    await until(async () => expect(await knownAt(c)).toEqual([a.node.mesh.peerId]));
    await until(async () => expect(await knownAt(c)).toEqual([]));
  });

  it('that shares nothing announces nothing, but hears others; what is malformed, somebody else’s or too much is dropped and counted', async () => {
    const c = await members.start({ ...origin, config: { ...origin.config, shareStore: false } });
    expect(c.sharing.transfer).toBeUndefined();
    const heard: TopicMessage[] = [];
    const rogue = await nodes.start();
    rogue.events.on('topic:message', (message) => void heard.push(message));
    await rogue.dial(c.address);
    await rogue.waitForSubscriber(PROVIDERS_TOPIC, AbortSignal.timeout(20_000));
    const told = (more: Partial<Announcement> = {}): Uint8Array => encodeAnnouncement({
      at: Date.now(), ttlMs: 60_000, addresses: [`/ip4/127.0.0.1/tcp/9/p2p/${rogue.peerId}`], nodeAddresses: [], models: [{ manifest: model.manifestCid, pieces: Uint8Array.of(15) }], shards: [], gone: [], ...more,
    });
    for (const bytes of [Buffer.from('{'), Buffer.from('{"version":2}'), told({ addresses: [c.address] })]) await rogue.publish(PROVIDERS_TOPIC, bytes);
    await rogue.publish(PROVIDERS_TOPIC, told({ at: 0 }));
    await rogue.publish(PROVIDERS_TOPIC, told());
    await until(async () => expect(await knownAt(c)).toContain(rogue.peerId));
    for (let more = 0; more < 60; more++) await rogue.publish(PROVIDERS_TOPIC, told({ at: Date.now() + more }));
    const counted = async (reason: string): Promise<number> => Number(new RegExp(`refusals_total{reason="${reason}"} (\\d+)`).exec(await c.node.metrics.text())?.[1] ?? 0);
    await until(async () => expect(await counted('PROVIDERS_FLOODED')).toBeGreaterThan(20));
    expect([await counted('PROVIDERS_BAD_ANNOUNCEMENT'), await counted('PROVIDERS_OLD')]).toEqual([3, 1]);
    expect(heard).toEqual([]);
  });
});
