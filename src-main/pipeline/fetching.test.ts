import { describe, expect, it } from 'vitest';
import { asManifestCid, asPeerId, CodedError, type PeerId } from '../base/index.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { createReroute } from './failover/index.ts';
import type { FetchAbility, FetchRequest, LayerFetch, LayerSupply, StageAssignment } from './ports.ts';
import { ask, cutLayers, expectNoLeak, ids, LAYERS, openOn, reference, stoppedAfterEach, withoutFeature } from './testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork } from './testing/test-network.ts';
import { FEATURES, FrameType } from './wire/constants.ts';
import { decodeFrame } from './wire/frame.ts';

/** Three stages, each of which holds its own part, and nodes without any; what a fetch does is up to the test. */
const PARTS = cutLayers(LAYERS, 3);
const SUPPLY: LayerSupply = { manifestCid: asManifestCid('cut'), shards: PARTS.map((layers) => ({ layers, sizeBytes: 1000 })), sources: [{ peer: asPeerId('holder'), addresses: ['memory:holder'] }] };
const FETCH: LayerFetch = { manifestCid: SUPPLY.manifestCid, sources: SUPPLY.sources, bytes: 1000 };
let network: TestNetwork;
stoppedAfterEach(() => network);

interface Fetcher extends Partial<FetchAbility> {
  /** Throws where the fetch fails. */
  readonly bring?: (request: FetchRequest) => Promise<void> | void;
}

/** By node; those that are not here fetch nothing. */
async function start(fetchers: Readonly<Record<string, Fetcher>>): Promise<TestNetwork> {
  const spares = Object.keys(fetchers).filter((name) => Number(name.slice(5)) >= PARTS.length);
  network = await new TestNetwork([...PARTS, ...spares.map(() => ({ first: 0, last: 0 }))], {
    totalLayers: LAYERS, empty: spares.map((_, i) => PARTS.length + i), coordinator: { fetchTimeoutMs: 300 },
    fetcher: (peer, hold) => {
      const known = fetchers[peer];
      if (known === undefined) return undefined;
      const { bring, ...ability } = known;
      return {
        ability: () => Promise.resolve({ freeBytes: 1e6, bytesPerSecond: 1000, isMeasured: false, ...ability }),
        fetch: async (request) => {
          await bring?.(request);
          hold(request.layers);
        },
      };
    },
  }).start();
  return network;
}

async function open(candidates: readonly string[]): Promise<{ pipeline: Pipeline; explained: string[] }> {
  const explained: string[] = [];
  const { coordinator } = network;
  const reroute = createReroute({
    modelHash: MODEL, candidates: () => candidates.map((name) => ({ peer: asPeerId(name), addresses: [] })), queryOffers: (request) => coordinator.queryOffers(request), timeoutMs: 300,
    fetching: { supplies: () => Promise.resolve([SUPPLY]), queryNode: (request) => coordinator.queryNode(request) },
  });
  const pipeline = await openOn(network, { route: network.route.slice(0, PARTS.length), contextTokens: 4096, reroute });
  pipeline.events.on('replacing', ({ explanation }) => void explained.push(...explanation));
  return { pipeline, explained };
}

async function answered(pipeline: Pipeline, victim: number): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of pipeline.generate(ask())) if (tokens.push(token) === 9) network.kill(network.node(victim).peer);
  return tokens;
}

const running = ({ stages }: Pipeline): PeerId[] => stages.map(({ peer }) => peer);
const failing = (code: string) => (): never => { throw new CodedError({ code, message: `no luck (${code})`, fault: 'local' }); };

describe('layers that nobody holds', () => {
  it('are fetched by a node that is told where from, and the answer goes on token for token', async () => {
    const asked: FetchRequest[] = [];
    await start({ 'node-3': { bring: (request) => void asked.push(request) } });
    const { pipeline, explained } = await open(['node-3']);
    expect(await answered(pipeline, 1)).toEqual(await reference());
    expect(running(pipeline)).toEqual(['node-0', 'node-3', 'node-2']);
    expect(asked).toMatchObject([{ asker: COORDINATOR, modelHash: MODEL, layers: PARTS[1], manifestCid: 'cut', sources: SUPPLY.sources }]);
    expect(explained).toEqual([`peer node-3 takes layers ${PARTS[1]?.first}-${PARTS[1]?.last}: nobody else has them on disk, it fetches 0.0 MB of them from 1 peer, about 1 s`]);
    await pipeline.close();
    await expectNoLeak(network, [1]);
  });

  it('go to who has them soonest, and on to the next where that fails', async () => {
    await start({ 'node-3': { bytesPerSecond: 500 }, 'node-4': { bytesPerSecond: 2000, bring: failing('SPACE_DISK_FULL') }, 'node-5': { bytesPerSecond: 1000 } });
    const { pipeline, explained } = await open(['node-3', 'node-4', 'node-5']);
    expect(await answered(pipeline, 1)).toEqual(await reference());
    expect(explained.map((sentence) => /node-\d/.exec(sentence)?.[0])).toEqual(['node-4', 'node-5']);
    expect(running(pipeline)).toEqual(['node-0', 'node-5', 'node-2']);
  });

  it('that a node with a stage of its own does not get cost it nothing', async () => {
    await start({ 'node-0': { bytesPerSecond: 9000, bring: failing('EXCHANGE_NO_SOURCES') }, 'node-3': {} });
    const { pipeline } = await open(['node-3']);
    expect(await answered(pipeline, 1)).toEqual(await reference());
    expect(running(pipeline)).toEqual(['node-0', 'node-3', 'node-2']);
  });

  it('end the answer when nobody gets them, with who tried and why not', async () => {
    await start({ 'node-3': { bring: failing('SPACE_QUOTA') }, 'node-4': { bring: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new CodedError({ code: 'EXCHANGE_CANCELLED', message: 'called off', fault: 'user' })))) } });
    const { pipeline } = await open(['node-3', 'node-4']);
    await expect(answered(pipeline, 1)).rejects.toMatchObject({
      code: 'PIPELINE_NOT_RECOVERED', meta: { code: 'PIPELINE_NO_PLACEMENT', fetches: [{ peer: 'node-3', code: 'SPACE_QUOTA' }, { peer: 'node-4', code: 'PIPELINE_FETCH_TIMEOUT' }] },
    });
  });

  it('are not asked for where they do not fit a disk', async () => {
    await start({ 'node-3': { freeBytes: 999, bring: failing('not asked') } });
    const { pipeline } = await open(['node-3']);
    await expect(answered(pipeline, 1)).rejects.toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', meta: { code: 'PIPELINE_NO_ROOM_TO_FETCH' } });
  });

  it('are taken from a node that failed once and is back, before they are fetched', async () => {
    await start({ 'node-3': {} });
    const { pipeline } = await open(['node-3']);
    let isLost = false;
    network.node(1).onForward = () => {
      if (isLost) return undefined;
      isLost = true;
      return Promise.reject(new CodedError({ code: 'ENGINE_FAILED', message: 'once', fault: 'local' }));
    };
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    expect(running(pipeline)).toEqual(['node-0', 'node-1', 'node-2']);
  });
});

describe('a version from before', () => {
  const route = (): StageAssignment[] => network.route.slice(0, 3).map((stage, i) => (i === 1 ? { ...stage, peer: asPeerId('node-3'), fetch: FETCH } : stage));

  it('of the coordinator is not told that a node fetches', async () => {
    await start({ 'node-3': {} });
    const node = { peer: asPeerId('node-3'), addresses: [] };
    expect((await network.coordinator.queryNode(node)).node.fetch).toEqual({ freeBytes: 1e6, bytesPerSecond: 1000, isMeasured: false });
    network.intercept = ({ from }, bytes) => (from === COORDINATOR ? withoutFeature(bytes, FEATURES.fetch) : bytes);
    expect((await network.coordinator.queryNode(node)).node.fetch).toBeUndefined();
  });

  it('of a stage is not told where to fetch from, and refuses what it does not hold', async () => {
    await start({ 'node-3': {} });
    const loads: string[] = [];
    network.intercept = ({ from, to }, bytes) => {
      const frame = decodeFrame(bytes, 'p');
      if (to === 'node-3' && frame.type === FrameType.load) loads.push(Buffer.from(frame.payload).toString('utf8'));
      return from === 'node-3' ? withoutFeature(bytes, FEATURES.fetch) : bytes;
    };
    await expect(openOn(network, { route: route() })).rejects.toMatchObject({ code: 'PIPELINE_STAGE_REFUSED', meta: { code: 'PIPELINE_LAYERS_NOT_HELD' } });
    expect(loads.map((load) => Object.keys(JSON.parse(load) as object).includes('fetch'))).toEqual([false]);
  });
});
