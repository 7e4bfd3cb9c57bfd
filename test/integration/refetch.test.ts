import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asManifestCid, asPeerId, noMetrics, silentLogger, systemClock, type CodedError } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, startCluster, type Cluster, type HostConfig, type Node, type Settings } from '../../src-main/host/index.ts';
import { LayerSupplies, shardsIn } from '../../src-main/host/layer-supplies.ts';
import { GREEDY, type SamplingOptions } from '../../src-main/inference/index.ts';
import { createMesh } from '../../src-main/mesh/index.ts';
import { createReroute, type FetchProgress, type LayerSource, type LayerSupply, type Pipeline, type StageAssignment } from '../../src-main/pipeline/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, bufferSource, hashTree } from '../../src-main/store/index.ts';
import { SEEDED } from '../perf/lib/failover-runs.ts';
import { generateModel } from '../support/models/index.ts';
import { serveRogue, type Roguery } from '../support/rogue-source.ts';
import { startSpare, type SpareNode } from '../support/spare-node.ts';

/** Real node processes with a shard each, one of which is killed amid an answer; nobody else has its layers, and a node with an empty store fetches them. */
const home = mkdtempSync(join(tmpdir(), 'omninode-refetch-'));
const path = join(home, 'model.gguf');
const paths = appPaths();
const [CONTEXT, TOKENS, AT_TOKEN] = [512, 200, 30];
const prompt = Int32Array.from({ length: 45 }, (_, i) => 5 + ((i * 7) % 200));
const stops: Array<() => Promise<unknown>> = [];
let settings: Settings;
let cluster: Cluster;
let node: Node;
/** Gives up on a fetch soon. */
let hasty: Node;
let own: LayerSupplies;
/** Of the undisturbed answers. */
let greedy: readonly number[];
let seeded: readonly number[];

beforeAll(async () => {
  await generateModel({ path, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 9 });
  settings = await loadSettings({ model: path, home, contextTokens: CONTEXT, threads: 1, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, logLevel: 'silent' }, {});
  // They share a home, where all shards lie: each would have the others' layers at once.
  cluster = await startCluster({ ...settings, config: { ...settings.config, fetchLayersFor: 'nobody' } }, { nodes: 3, paths });
  node = await createNode({ settings, paths, shards: [], identity: 'ephemeral' });
  hasty = await createNode({ settings, paths, shards: [], identity: 'ephemeral', coordinator: { fetchTimeoutMs: 1_500, fetchPatienceMs: 500 } });
  await Promise.all([node.start(), hasty.start()]);
  own = new LayerSupplies({ config: settings.config, paths, logger: silentLogger, own: cluster.model });
  const undisturbed = async (sampling: SamplingOptions): Promise<readonly number[]> => (await answer(await open({ spares: [], supplies: () => Promise.resolve([]) }), { sampling })).tokens;
  [greedy, seeded] = [await undisturbed(GREEDY), await undisturbed(SEEDED)];
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await cluster.revive([]);
});
afterAll(async () => {
  await own.stop();
  await Promise.all([node.stop(), hasty.stop()]);
  await cluster.stop();
  await rm(home, { recursive: true, force: true });
});

let homes = 0;
async function spare(config: Partial<HostConfig> = {}): Promise<SpareNode> {
  const started = await startSpare({ ...settings.config, home: join(home, `spare-${homes++}`), ...config });
  stops.push(() => started.stop());
  return started;
}

interface Stand {
  readonly spares: readonly SpareNode[];
  readonly supplies: () => Promise<readonly LayerSupply[]>;
  readonly by?: Node;
}

function open({ spares, supplies, by = node }: Stand): Promise<Pipeline> {
  const { coordinator } = by;
  const modelHash = cluster.model.manifest.model_hash;
  const route = cluster.nodes.map(({ peerId, addresses, layers }): StageAssignment => ({ peer: asPeerId(peerId), addresses, layers }));
  return coordinator.openPipeline({
    route, modelHash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f16',
    reroute: createReroute({
      modelHash, candidates: () => spares, queryOffers: (request) => coordinator.queryOffers(request), timeoutMs: 3_000,
      fetching: { supplies, queryNode: (request) => coordinator.queryNode(request) },
    }),
  });
}

interface Run {
  readonly tokens: readonly number[];
  readonly failovers: number;
  readonly error: CodedError | undefined;
  readonly peers: readonly string[];
  readonly explanation: readonly string[];
  readonly progress: readonly FetchProgress[];
}

async function answer(pipeline: Pipeline, { kill, sampling = GREEDY }: { readonly kill?: number; readonly sampling?: SamplingOptions }): Promise<Run> {
  const [explanation, progress, tokens]: [string[], FetchProgress[], number[]] = [[], [], []];
  pipeline.events.on('replacing', (change) => void explanation.push(...change.explanation));
  pipeline.events.on('fetching', (one) => void progress.push(one));
  const generation = pipeline.generate({ promptTokens: prompt, sampling, maxTokens: TOKENS, endTokens: [] });
  const error = await (async () => {
    for await (const { token } of generation) {
      if (tokens.push(token) === AT_TOKEN && kill !== undefined) process.kill(cluster.nodes[kill]?.pid ?? 0, 'SIGKILL');
    }
    return undefined;
  })().catch((reason: CodedError) => reason);
  const peers = pipeline.stages.map(({ peer }) => String(peer));
  await pipeline.close();
  return { tokens, failovers: generation.failovers, error, peers, explanation, progress };
}

const fromHere = (): Promise<LayerSupply[]> => own.of([]);

/** The cluster's cut, from somebody else. */
const supplyFrom = (sources: readonly LayerSource[], shards = shardsIn(cluster.model.manifest)): LayerSupply => ({ manifestCid: asManifestCid(cluster.model.manifestCid), shards, sources });

interface Rogue {
  readonly source: LayerSource;
  /** Somebody opened a stream to it. */
  readonly asked: Promise<void>;
}

/** A peer that serves one shard over the real protocol, but not as it should. */
async function rogue(roguery: Roguery, shard: number): Promise<Rogue> {
  const mesh = await createMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, agent: 'rogue', identity: { kind: 'ephemeral' } }, { logger: silentLogger, metrics: noMetrics, clock: systemClock });
  await mesh.start();
  stops.push(() => mesh.stop());
  const file = cluster.model.shards[shard]?.path ?? '';
  const bytes = await readFile(file);
  const tree = await hashTree(bufferSource(bytes));
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await mesh.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => {
    resolve();
    serveRogue(stream, { cid: tree.cid, tree, bytes, sizeBytes: bytes.length, path: file }, roguery).catch(() => undefined);
  });
  return { source: { peer: mesh.peerId, addresses: mesh.addresses() }, asked };
}

const nowhere = (): readonly LayerSource[] => [{ peer: asPeerId('12D3KooWLGhttsQkuqn5xe46oFnc3vopSwcaU8C75uNZS5Ywh2Qh'), addresses: ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWLGhttsQkuqn5xe46oFnc3vopSwcaU8C75uNZS5Ywh2Qh'] }];

describe.runIf(process.platform !== 'win32')('a node with an empty store', () => {
  it.each([[0, GREEDY], [1, SEEDED], [2, GREEDY]] as const)('fetches the layers of stage %i from the coordinator, and the answer goes on token for token', async (kill, sampling) => {
    const tokens = sampling === GREEDY ? greedy : seeded;
    expect(tokens).toHaveLength(TOKENS);
    const taker = await spare();
    const run = await answer(await open({ spares: [taker], supplies: fromHere }), { kill, sampling });
    expect(run).toMatchObject({ tokens, failovers: 1, error: undefined });
    expect(run.peers[kill]).toBe(taker.peer);
    expect(run.explanation.join()).toMatch(new RegExp(`${taker.peer} takes layers ${2 * kill}-${2 * kill + 1}: nobody else has them on disk, it fetches [\\d.]+ MB of them from 1 peer`));
    const [first, last] = [run.progress[0], run.progress.at(-1)];
    expect(first).toMatchObject({ peer: taker.peer, layers: { first: 2 * kill, last: 2 * kill + 1 }, sources: 1, bytesDone: 0 });
    expect(last?.bytesDone).toBe(last?.bytesTotal);
  });

  it('has them on disk for the next time', async () => {
    const taker = await spare();
    await answer(await open({ spares: [taker], supplies: fromHere }), { kill: 1 });
    await cluster.revive([]);
    const run = await answer(await open({ spares: [taker], supplies: () => Promise.resolve([]) }), { kill: 1 });
    expect(run).toMatchObject({ tokens: greedy, failovers: 1, explanation: [`peer ${taker.peer} takes layers 2-3, which it has on disk`], progress: [] });
  });

  it('drops a source that lies and takes the layers from another', async () => {
    const liar = await rogue('flipped bit', 1);
    const taker = await spare();
    const supplies = async (): Promise<LayerSupply[]> => (await fromHere()).map((supply) => ({ ...supply, sources: [liar.source, ...supply.sources] }));
    expect(await answer(await open({ spares: [taker], supplies }), { kill: 1 })).toMatchObject({ tokens: greedy, failovers: 1, error: undefined });
  });

  it('is passed by for the next one when it does not get them', async () => {
    // What it is told of the sizes is wrong; the manifest says more than its quota allows.
    const [small, roomy] = [await spare({ storeQuotaBytes: 1_000 }), await spare()];
    const supplies = async (): Promise<LayerSupply[]> => (await fromHere()).map((supply) => ({ ...supply, shards: supply.shards.map((shard) => ({ ...shard, sizeBytes: 1 })) }));
    const run = await answer(await open({ spares: [small, roomy], supplies }), { kill: 1 });
    expect(run).toMatchObject({ tokens: greedy, failovers: 1, error: undefined });
    expect(run.peers[1]).toBe(roomy.peer);
  });

  it('runs them also when they were not there at first: a route may name where to fetch from', async () => {
    const taker = await spare();
    const [supply] = await fromHere();
    const route = cluster.nodes.map(({ peerId, addresses, layers }, i): StageAssignment => (i === 1
      ? { peer: taker.peer, addresses: taker.addresses, layers, fetch: { manifestCid: supply!.manifestCid, sources: supply!.sources, bytes: 0 } } : { peer: asPeerId(peerId), addresses, layers }));
    const phases: string[] = [];
    const pipeline = await node.coordinator.openPipeline({
      route, modelHash: cluster.model.manifest.model_hash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f16', onProgress: ({ stage, phase }) => void (stage.stage === 1 && phases.push(phase)),
    });
    expect(phases).toContain('fetching');
    expect((await answer(pipeline, {})).tokens).toEqual(greedy);
  });
});

describe.runIf(process.platform !== 'win32')('the answer so far is kept, and an error says why, when', () => {
  const lost = (run: Run): Run => {
    expect(run.tokens.length).toBeGreaterThanOrEqual(AT_TOKEN);
    expect(run.error).toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', meta: { stage: 1, layers: { first: 2, last: 3 } } });
    return run;
  };

  it('no source can be reached', async () => {
    const taker = await spare();
    const { error } = lost(await answer(await open({ spares: [taker], supplies: () => Promise.resolve([supplyFrom(nowhere())]) }), { kill: 1 }));
    expect(error).toMatchObject({ meta: { fetches: [{ peer: taker.peer, code: 'MESH_DIAL_FAILED' }] } });
    expect(error?.message).toMatch(/nothing takes its place: .*; peer \S+ tried: /);
  });

  it('the quota has no room for them', async () => {
    const taker = await spare({ storeQuotaBytes: 1_000 });
    const { error, progress } = lost(await answer(await open({ spares: [taker], supplies: fromHere }), { kill: 1 }));
    expect(error).toMatchObject({ meta: { code: 'PIPELINE_NO_ROOM_TO_FETCH' } });
    expect(error?.message).toMatch(/has room for 1000/);
    expect(progress).toEqual([]);
  });

  it('the quota has no room for them, though the coordinator thought so', async () => {
    const taker = await spare({ storeQuotaBytes: 1_000 });
    const supplies = async (): Promise<LayerSupply[]> => [supplyFrom((await fromHere())[0]!.sources, shardsIn(cluster.model.manifest).map((shard) => ({ ...shard, sizeBytes: 1 })))];
    const { error } = lost(await answer(await open({ spares: [taker], supplies }), { kill: 1 }));
    expect(error).toMatchObject({ meta: { fetches: [{ peer: taker.peer, code: 'SPACE_QUOTA' }] } });
  });

  it('a source keeps everybody waiting', async () => {
    const silent = await rogue('silence', 1);
    const taker = await spare();
    const { error } = lost(await answer(await open({ spares: [taker], supplies: () => Promise.resolve([supplyFrom([silent.source])]), by: hasty }), { kill: 1 }));
    expect(error).toMatchObject({ meta: { fetches: [{ peer: taker.peer, code: 'PIPELINE_FETCH_TIMEOUT' }] } });
  });

  it('the owner of the only node that could does not want it to', async () => {
    const taker = await spare({ fetchLayersFor: 'nobody' });
    const { error, progress } = lost(await answer(await open({ spares: [taker], supplies: fromHere }), { kill: 1 }));
    expect([error?.meta['code'], progress]).toEqual(['PIPELINE_NO_PLACEMENT', []]);
    // Nor when it is told to all the same.
    const [supply] = await fromHere();
    const route = [{ peer: taker.peer, addresses: taker.addresses, layers: { first: 0, last: 5 }, fetch: { manifestCid: supply!.manifestCid, sources: supply!.sources, bytes: 0 } }];
    await expect(node.coordinator.openPipeline({ route, modelHash: cluster.model.manifest.model_hash, contextTokens: CONTEXT, batchTokens: 32, dtype: 'f16' }))
      .rejects.toMatchObject({ code: 'PIPELINE_STAGE_REFUSED', meta: { code: 'PIPELINE_LAYERS_NOT_HELD' } });
  });
});

it.runIf(process.platform !== 'win32')('a fetch that is called off stops at once, and another can begin', async () => {
  const silent = await rogue('silence', 1);
  const taker = await spare();
  const pipeline = await open({ spares: [taker], supplies: () => Promise.resolve([supplyFrom([silent.source])]) });
  const generation = pipeline.generate({ promptTokens: prompt, sampling: GREEDY, maxTokens: TOKENS, endTokens: [] });
  process.kill(cluster.nodes[1]?.pid ?? 0, 'SIGKILL');
  await silent.asked;
  await pipeline.close();
  expect((await generation.result).finishReason).toBe('cancelled');
  await cluster.revive([]);
  expect(await answer(await open({ spares: [taker], supplies: fromHere }), { kill: 1 })).toMatchObject({ tokens: greedy, error: undefined });
});
