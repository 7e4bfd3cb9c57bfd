import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { asPeerId } from '../../src-main/base/index.ts';
import { addFromHub, appPaths, createNode, loadSettings, modelOutlook, openStore, searchModels, showModelOrFile, type Node, type Settings } from '../../src-main/host/index.ts';
import { availableBytes } from '../../src-main/inference/index.ts';
import { LEAF_BYTES } from '../../src-main/store/index.ts';
import { generateModel } from '../support/models/index.ts';
import { silentHost } from '../support/silent-host.ts';

// Peers on this machine tell of the same memory as this machine has: a model that needs a third more than that fits with one of them.
const paths = appPaths();
const { signal } = new AbortController();
/** Who is there answers, however busy this machine is. */
const patient = { signal, knownMs: 40_000 };
const stops: Array<() => unknown> = [];
let folder = '';
let model = '';
let home = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-verdict-'));
  model = join(folder, 'm.gguf');
  await generateModel({ path: model, architecture: 'llama', type: 'Q8_0', targetBytes: 2 * LEAF_BYTES, layers: 4 });
});
beforeEach(async () => { home = await mkdtemp(join(folder, 'home-')); });
afterEach(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });
afterAll(() => rm(folder, { recursive: true }));

const settingsWith = (more: object = {}): Promise<Settings> => loadSettings({ home, logLevel: 'silent', ...more }, {});

async function peer(more: object = {}): Promise<{ readonly node: Node; readonly address: string; readonly peerId: string }> {
  const settings = await loadSettings({ home: await mkdtemp(join(folder, 'peer-')), ...more }, {});
  const node = await createNode({ settings, paths, shards: [], identity: 'file' });
  stops.push(() => node.stop());
  await node.start();
  return { node, address: node.mesh.addresses()[0]!, peerId: node.mesh.peerId };
}

/** As if it had announced something to this home. */
function announce({ peerId, address }: { readonly peerId: string; readonly address: string }, { lies = false } = {}): void {
  const store = openStore({ home });
  store.catalog.providers.announced(asPeerId(peerId), { at: Date.now(), ttlMs: 60_000, addresses: [], nodeAddresses: [address], entries: [{ cid: 'bafy' }], gone: [] });
  if (lies) store.catalog.liars.note(asPeerId(peerId));
  store.close();
}

/** Context at which the model takes this share of the memory that is free here. */
async function contextFor(share: number): Promise<number> {
  const { facts } = await modelOutlook(await settingsWith(), { source: model, contextTokens: 64, peers: [] }, { signal });
  return Math.ceil((share * await availableBytes()) / facts.kvBytesPerToken);
}

it('asks nobody known when the model fits here', async () => {
  const silent = await silentHost();
  stops.push(() => silent.stop());
  const outlook = await modelOutlook(await settingsWith({ peers: [`${silent.address}/p2p/none`] }), { source: model, contextTokens: 64, peers: [] }, { signal });
  expect(outlook).toMatchObject({ verdict: { fits: 'here' }, peers: [] });
  expect(silent.count()).toBe(0);
});

it('counts members of the configuration and those that announced something, and says who did not answer', async () => {
  const [a, b, c] = [await peer(), await peer(), await peer({ fetchLayersFor: 'nobody' })];
  const gone = await peer();
  const liar = await peer();
  announce(a);
  announce(b);
  announce(liar, { lies: true });
  await gone.node.stop();
  const peers = [a.address, gone.address, c.address];
  const outlook = await modelOutlook(await settingsWith({ peers }), { source: model, contextTokens: await contextFor(1.3), peers: [] }, patient);
  expect(outlook.verdict).toMatchObject({ fits: 'with-peers', peersNeeded: 1, words: expect.stringMatching(/^needs \d+\.\d GB: you have \d+\.\d free; with 1 peer yes \(counted: 2 known; 1 known did not answer; 1 known takes no layers\)$/) as string });
  const said = new Map(outlook.peers.map(({ peerId, ...rest }) => [peerId as string, rest]));
  expect([...said.keys()].toSorted()).toEqual([a, b, c, gone].map(({ peerId }) => peerId).toSorted());
  expect(said.get(a.peerId)).toEqual({ isNamed: false, takesLayers: true, freeBytes: expect.any(Number) as number });
  expect(said.get(gone.peerId)).toEqual({ isNamed: false, takesLayers: false, freeBytes: null });
  expect(said.get(c.peerId)).toMatchObject({ takesLayers: false });
}, 60_000);

it('lets go of known ones when their time is over', async () => {
  const silent = await silentHost();
  stops.push(() => silent.stop());
  const { peerId } = await peer();
  const outlook = await modelOutlook(await settingsWith({ peers: [`${silent.address}/p2p/${peerId}`] }), { source: model, contextTokens: await contextFor(1.3), peers: [] }, { signal, knownMs: 1000 });
  expect(outlook.peers).toEqual([{ peerId, isNamed: false, takesLayers: false, freeBytes: null }]);
  expect(outlook.verdict.words).toMatch(/; peers could take layers of it \(counted: 0 known; 1 known did not answer\)$/);
  await silent.letGo;
}, 60_000);

it('is strict with named ones, which count once, and at the user’s word', async () => {
  const a = await peer({ fetchLayersFor: 'nobody' });
  announce(a);
  const request = { source: model, contextTokens: await contextFor(1.3), peers: [a.address, a.address] };
  const outlook = await modelOutlook(await settingsWith({ peers: [a.address] }), request, { signal });
  expect(outlook.peers).toEqual([{ peerId: a.peerId, isNamed: true, takesLayers: true, freeBytes: expect.any(Number) as number }]);
  expect(outlook.verdict.words).toMatch(/; with 1 peer yes$/);
  await a.node.stop();
  await expect(modelOutlook(await settingsWith(), request, { signal })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'refused' } });
}, 60_000);

it('says it of a model in the store and of the list of known models too', async () => {
  const a = await peer();
  const settings = await settingsWith({ peers: [a.address], contextTokens: 1_048_576 });
  await addFromHub(settings, { source: model, contextTokens: 64, peers: [] }, { signal });
  const shown = await showModelOrFile(settings, 'm', signal);
  expect(shown.outlook?.contextTokens).toBe(1_048_576);
  expect(shown.outlook?.verdict.words).toMatch(/^needs \d+\.\d GB: you have/);
  const free = await availableBytes();
  const models = join(folder, 'list');
  await mkdir(models, { recursive: true });
  const entry = (name: string, share: number) => ({ name, repo: 'a/b', file: `${name}.gguf`, sizeBytes: Math.ceil(share * free), architecture: 'llama' });
  await writeFile(join(models, 'curated.json'), JSON.stringify({ version: 1, asOf: '2026-01-01', note: '', models: [entry('small', 0.1), entry('large', 1.3), entry('huge', 9)] }));
  const search = (isOffline: boolean) => searchModels({ ...settings, config: { ...settings.config, hubUrl: 'http://127.0.0.1:1' } }, { words: 'llama', limit: 1, isOffline }, { paths: { ...paths, models }, ...patient });
  const { known, peers } = await search(false);
  expect(known.map(({ name, fitsHere, peersNeeded }) => ({ name, fitsHere, peersNeeded }))).toEqual([{ name: 'small', fitsHere: true, peersNeeded: undefined }, { name: 'large', fitsHere: false, peersNeeded: 1 }, { name: 'huge', fitsHere: false, peersNeeded: undefined }]);
  expect(peers.map(({ peerId }) => peerId)).toEqual([a.peerId]);
  // Nobody is asked where the user said so.
  const offline = await search(true);
  expect(offline.peers).toEqual([]);
  expect(offline.known.map(({ peersNeeded }) => peersNeeded)).toEqual([undefined, undefined, undefined]);
}, 60_000);
