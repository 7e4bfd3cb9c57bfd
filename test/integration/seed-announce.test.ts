import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CID } from 'multiformats/cid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asShardCid } from '../../src-main/base/index.ts';
import { fetchShards, whileFetching } from '../../src-main/host/fetch-shards.ts';
import { appPaths, listProviders, loadSettings, openStore, type Settings } from '../../src-main/host/index.ts';
import { TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { askForProviders, cidOfManifest, cutModel, innerNodes, LEAF_BYTES, leafCid, leafHash, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL, treeOfFile, type LocalStore, type Manifest, type ManifestPiece } from '../../src-main/store/index.ts';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { startAdding, upTo, type Adding, type AddingOptions } from '../support/adding.ts';
import { BitswapSpeaker } from '../support/bitswap-speaker.ts';
import { generateModel } from '../support/models/index.ts';
import { heardAt, SharingMembers, until, type Member, type MemberOptions } from '../support/sharing-members.ts';
import { SaidProcess } from '../support/said-process.ts';

// What a download has brought is told to others, who get it while the hub holds back the rest.
const HELIA = fileURLToPath(new URL('../support/helia-peer.ts', import.meta.url));
const paths = appPaths();
const nodes = new TestNodes();
const members = new SharingMembers();
let folder = '';
let hub: HubServer;
let reference: Manifest;
let bytes: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-seeds-'));
  const whole = join(folder, 'whole.gguf');
  await generateModel({ path: whole, architecture: 'llama', type: 'Q8_0', targetBytes: 24 * LEAF_BYTES, layers: 6, name: 'Early' });
  reference = await cutModel({ model: whole, folder: join(folder, 'cuts'), plan: { kind: 'per-layer' } });
  bytes = await readFile(whole);
  hub = await HubServer.start();
});
beforeEach(() => {
  hub.spoil = () => undefined;
  hub.repos.set('me/early', { files: { 'early.gguf': bytes } });
});
afterEach(async () => {
  await nodes.stop();
  await members.stop();
});
afterAll(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

let homes = 0;
const home = (): Promise<Settings> => loadSettings({ home: join(folder, `home-${homes++}`) }, {});

const member = async (options?: MemberOptions): Promise<Member> => members.start(await home(), options);

/** The store of a member's home, as a command beside it has it open. */
function storeOf({ settings }: Member): LocalStore {
  const store = openStore(settings.config);
  members.endsWith(() => Promise.resolve(store.close()));
  return store;
}

async function adding(at: Member, more: Partial<AddingOptions> = {}): Promise<Adding & { readonly store: LocalStore }> {
  const store = storeOf(at);
  return { ...await startAdding(store, { home: at.settings.config.home, hub, source: 'hf:me/early', hold: upTo(14), ...more }), store };
}

const early = (): ManifestPiece => reference.shards[1]!;
const isFirst = ({ layers }: { layers: { first: number } | undefined }): boolean => layers?.first === 0;
const isEarly = ({ layers }: { layers: { first: number } | undefined }): boolean => layers?.first === 1;

/** Whom a member says to have it. */
async function toldBy(of: Member, cids: readonly string[]): Promise<string[][]> {
  const asker = await nodes.start({ listen: [] });
  const told = await askForProviders(await asker.open(await asker.dial(of.address), PROVIDERS_PROTOCOL, { limits: PROVIDERS_LIMITS }), { cids });
  return told.filter(({ peer }) => peer === of.node.mesh.peerId).map((one) => [...one.cids]);
}

it('a layer that has come is found and fetched by who knows only another member', async () => {
  const c = await member();
  const b = await member({ dial: [c] });
  const { piece, done } = await adding(b);
  const { cid } = await piece(isEarly);
  await until(async () => expect(await heardAt(c, cid)).toEqual([b.node.mesh.peerId]));
  const { config } = await home();
  const shards = [{ cid: asShardCid(cid), sizeBytes: early().size_bytes, fileName: early().file_name }];
  const report = await whileFetching(config, { peers: [c.address], paths }, (fetching) => fetchShards(fetching, { shards }, { signal: AbortSignal.timeout(40_000) }));
  expect(report.sources.filter((source) => source.bytes > 0).map(({ name }) => name)).toEqual([b.node.mesh.peerId]);
  const got = openStore(config);
  members.endsWith(() => Promise.resolve(got.close()));
  expect((await readFile(got.catalog.shards.files(cid)[0]!.path)).equals(await readFile(join(folder, 'cuts', early().file_name)))).toBe(true);
  // A record is kept of it as well, and it can be withdrawn.
  const record = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { peer } of c.node.mesh.records!.find(cid, AbortSignal.timeout(5_000))) found.push(peer);
    return found;
  };
  await until(async () => expect(await record()).toContain(b.node.mesh.peerId));
  hub.spoil = () => undefined;
  await done;
  // From a layer to a model: the manifest says the rest.
  const store = storeOf(b);
  store.addModel((await done).manifest!, join(b.settings.config.home, 'models', 'hf', 'me', 'early', 'early.gguf'));
  await until(async () => {
    const [item] = await listProviders(c.settings.config, cidOfManifest(reference));
    expect(item?.providers.map(({ peerId, pieces }) => ({ peerId, pieces }))).toEqual([{ peerId: b.node.mesh.peerId, pieces: reference.shards.length + 1 }]);
  });
});

describe('is taken back', () => {
  it.each<[string, (at: { end: AbortController; target: string }) => void | Promise<void>, string | undefined]>([
    ['when the checksum turns out wrong', () => { hub.spoil = () => ({ kind: 'flip' }); }, 'HUB_CHECKSUM'],
    ['when the file changed on the hub', () => void hub.repos.set('me/early', { files: { 'early.gguf': Buffer.from(bytes).fill(1, bytes.length - 100) } }), 'HUB_CHANGED'],
    ['when the download is cancelled', ({ end }) => end.abort(), 'HUB_CANCELLED'],
    ['when the unfinished file is taken away', ({ target }) => rm(`${target}.part`), undefined],
  ])('%s', async (_when, happen, code) => {
    const c = await member();
    const b = await member({ dial: [c] });
    const end = new AbortController();
    const { piece, done, store } = await adding(b, { signal: end.signal, connections: 1 });
    const { cid } = await piece(isEarly);
    await until(async () => expect(await heardAt(c, cid)).toEqual([b.node.mesh.peerId]));
    await happen({ end, target: join(b.settings.config.home, 'models', 'hf', 'me', 'early', 'early.gguf') });
    if (code !== undefined) await expect(done).rejects.toMatchObject({ code });
    await until(async () => expect(await heardAt(c, cid)).toEqual([]));
    expect([await store.find(cid), store.catalog.derived.has(cid), await toldBy(b, [cid])]).toEqual([undefined, false, []]);
    end.abort();
    await done.catch(() => undefined);
  });
});

it('is told in few messages, but at once to who asks', async () => {
  const c = await member();
  const b = await member({ dial: [c], times: { growMs: 3_600_000, retellMs: 3_600_000 } });
  const { piece } = await adding(b, { connections: 1, hold: upTo(1) });
  const { cid } = await piece(({ layers }) => layers === undefined);
  await until(async () => expect(await heardAt(c, cid)).toEqual([b.node.mesh.peerId]));
  // All that there is, so that a peer that introduces itself late is no reason to tell all again.
  await b.sharing.providers.tellAgain();
  // The first news after that is told at once; what comes within the time is gathered.
  hub.spoil = upTo(5);
  const first = await piece(isFirst);
  await until(async () => expect(await heardAt(c, first.cid)).toEqual([b.node.mesh.peerId]));
  hub.spoil = upTo(14);
  const later = await piece(isEarly);
  await until(async () => expect(await toldBy(b, [later.cid])).toEqual([[later.cid]]));
  expect(await heardAt(c, later.cid)).toEqual([]);
  // News of something else, such as a newcomer, takes it along.
  await b.sharing.providers.tellAgain();
  await until(async () => expect(await heardAt(c, later.cid)).toEqual([b.node.mesh.peerId]));
});

it('is read by a node of IPFS, which is told what has not come', async () => {
  const b = await member();
  const { piece, store } = await adding(b);
  const { cid } = await piece(isEarly);
  const address = b.sharing.transfer!.addresses[0]!;
  const into = join(folder, 'helia.gguf');
  const helia = new SaidProcess(HELIA, { read: { cid, from: address, into } });
  members.endsWith(() => helia.kill());
  await helia.says('read');
  const wanted = join(folder, 'cuts', early().file_name);
  expect((await readFile(into)).equals(await readFile(wanted))).toBe(true);

  const mesh = await nodes.start();
  const speaker = await BitswapSpeaker.on(mesh);
  const late = await treeOfFile(join(folder, 'cuts', reference.shards.at(-1)!.file_name));
  const [here, notYet] = [leafCid(leafHash((await treeOfFile(wanted)).leafHashes, 0)), leafCid(leafHash(late.leafHashes, 1))];
  const want = (one: CID) => ({ cid: one, kind: 'have', isCancel: false, wantsRefusal: true }) as const;
  await speaker.want(await mesh.dial(address), [want(here), want(notYet), want([...innerNodes(late)].at(-1)!.cid)]);
  await speaker.until((said) => said.flatMap(({ presences }) => presences).length === 3);
  expect(speaker.said.flatMap(({ presences }) => presences).map(({ isHere }) => isHere)).toEqual([true, false, false]);

  // And through the blockstore that IPFS code is given.
  const blocks = store.blockstore();
  const first: Uint8Array[] = [];
  for await (const chunk of blocks.get(here)) first.push(chunk);
  expect(Buffer.concat(first).equals((await readFile(wanted)).subarray(0, LEAF_BYTES))).toBe(true);
  expect([blocks.has(CID.parse(cid)), blocks.has(notYet)]).toEqual([true, false]);
  store.withdraw(join(b.settings.config.home, 'models', 'hf', 'me', 'early', 'early.gguf'));
  await expect((async () => { for await (const chunk of blocks.get(here)) first.push(chunk); })()).rejects.toMatchObject({ name: 'NotFoundError' });
});
