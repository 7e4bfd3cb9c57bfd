import { describe, expect, it } from 'vitest';
import type { ActivationDtype } from '../inference/index.ts';
import type { Generation } from './coordinator/generation.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { createReroute } from './failover/index.ts';
import { ask, ids, openOn, stoppedAfterEach } from './testing/scenario.ts';
import { MODEL, TestNetwork, type Intercept } from './testing/test-network.ts';
import { FEATURES, FrameType } from './wire/constants.ts';
import { decodeFrame, encodeHeader } from './wire/frame.ts';

let network: TestNetwork;
/** Nodes that nobody knows of yet. */
let absent: string[] = [];
stoppedAfterEach(() => network);

const SERVING = ['0-2', '3-5', '6-7'];
const range = (text: string): { first: number; last: number } => {
  const [first = 0, last = first] = text.split('-').map(Number);
  return { first, last };
};

/** A node per shard, and a model whose tokens show where hidden states were rounded. The first three nodes serve, and send as `sends` says. */
async function open(shards: readonly string[], sends: readonly ActivationDtype[] = [], intercept?: Intercept): Promise<Pipeline> {
  network = await new TestNetwork(shards.map(range), { totalLayers: 8, isRough: true }).start();
  if (intercept !== undefined) network.intercept = intercept;
  const candidates = network.route.map(({ peer, addresses }) => ({ peer, addresses }));
  const reroute = createReroute({ modelHash: MODEL, candidates: () => candidates.filter(({ peer }) => !absent.includes(peer)), queryOffers: (asked) => network.coordinator.queryOffers(asked), timeoutMs: 300 });
  const route = network.route.slice(0, 3).map((stage, i) => ({ ...stage, ...(sends[i] === undefined ? {} : { sends: sends[i] }) }));
  return openOn(network, { route, contextTokens: 4096, dtype: 'f16', reroute });
}

async function undisturbed(sends: readonly ActivationDtype[] = []): Promise<number[]> {
  const pipeline = await open(SERVING, sends);
  const tokens = await ids(pipeline.generate(ask()));
  await network.stop();
  return tokens;
}

/** Kills nodes, and makes the absent ones known with the last of them, when so many tokens were read. */
async function answered(generation: Generation, kills: Readonly<Record<number, readonly number[]>>): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of generation) {
    tokens.push(token);
    if (tokens.length === Math.max(...Object.keys(kills).map(Number))) absent = [];
    for (const victim of kills[tokens.length] ?? []) network.kill(network.node(victim).peer);
  }
  return tokens;
}

const running = ({ stages }: Pipeline): string[] => stages.map(({ peer, layers }) => `${peer} ${layers.first}-${layers.last}`);

/** Hellos of one peer, as an older version sent them. */
const older = (peer: string, without: string = FEATURES.boundary): Intercept => ({ from }, bytes) => {
  const frame = decodeFrame(bytes, 'p');
  if (from !== peer || frame.type !== FrameType.hello) return bytes;
  const hello = JSON.parse(Buffer.from(frame.payload).toString('utf8')) as { features: string[] };
  const payload = Buffer.from(JSON.stringify({ ...hello, features: hello.features.filter((name) => name !== without) }));
  return Buffer.concat([encodeHeader(frame, { type: FrameType.hello }, payload), payload]);
};

describe('Q8', () => {
  it('is the bits of an answer, too, and stays over losses', async () => {
    const expected = await undisturbed(['q8', 'f16']);
    expect(expected).not.toEqual(await undisturbed());
    const pipeline = await open([...SERVING, '0', '1-2', '3', '4-5'], ['q8', 'f16']);
    expect(await answered(pipeline.generate(ask()), { 5: [0], 15: [1] })).toEqual(expected);
  });

  it('is refused by a stage that does not know it', async () => {
    await expect(open(SERVING, ['f16', 'q8'], older('node-2', FEATURES.q8))).rejects.toMatchObject({ code: 'PIPELINE_STAGE_TOO_OLD', meta: { stage: 2, feature: FEATURES.q8 } });
  });
});

it('rounding is part of the answer, at each boundary on its own', async () => {
  const routes: ActivationDtype[][] = [['f16', 'f16'], ['f16', 'f32'], ['f32', 'f16'], ['f32', 'f32']];
  const answers = await Promise.all(routes.map(async (sends) => (await undisturbed(sends)).join()));
  expect(new Set(answers).size).toBe(4);
  expect(answers[0]).toBe((await undisturbed()).join());
});

describe('an answer goes on with the same tokens', () => {
  it('when two nodes share what one had', async () => {
    const pipeline = await open([...SERVING, '3', '4-5']);
    expect(await answered(pipeline.generate(ask()), { 9: [1] })).toEqual(await undisturbed());
    expect(running(pipeline)).toEqual(['node-0 0-2', 'node-3 3-3', 'node-4 4-5', 'node-2 6-7']);
  });

  it('when that happens at both ends, with a dtype of its own at each boundary', async () => {
    const pipeline = await open([...SERVING, '0', '1-2', '6', '7'], ['f32', 'f16']);
    expect(await answered(pipeline.generate(ask()), { 5: [0], 15: [2] })).toEqual(await undisturbed(['f32', 'f16']));
    expect(running(pipeline)).toEqual(['node-3 0-0', 'node-4 1-2', 'node-1 3-5', 'node-5 6-6', 'node-6 7-7']);
  });

  it('when a part of a part is lost, and at last one node that holds the whole of it in one shard is found', async () => {
    absent = ['node-7'];
    const pipeline = await open([...SERVING, '3', '4-5', '4', '5', '3-5']);
    expect(await answered(pipeline.generate(ask()), { 5: [1], 15: [4], 25: [3, 5] })).toEqual(await undisturbed());
    expect(running(pipeline)).toEqual(['node-0 0-2', 'node-7 3-5', 'node-2 6-7']);
  });

  it('when the neighbour of a rounding boundary is lost with it', async () => {
    const pipeline = await open([...SERVING, '3-5', '6-7']);
    expect(await answered(pipeline.generate(ask()), { 9: [1, 2] })).toEqual(await undisturbed());
  });
});

describe('a stage of an older version', () => {
  it('serves where both its boundaries are alike, and at the ends', async () => {
    for (const [stage, sends] of [[1, ['f16', 'f16']], [0, ['f32', 'f16']], [2, ['f32', 'f16']]] as const) {
      const pipeline = await open(SERVING, sends, older(`node-${stage}`));
      expect(await ids(pipeline.generate(ask()))).toEqual(await undisturbed(sends));
    }
  });

  it('is refused where they are not', async () => {
    await expect(open(SERVING, ['f32', 'f16'], older('node-1'))).rejects.toMatchObject({ code: 'PIPELINE_STAGE_TOO_OLD', fault: 'user', meta: { stage: 1, peer: 'node-1', feature: FEATURES.boundary } });
  });

  it('is passed over when it would have to take over', async () => {
    const pipeline = await open([...SERVING, '3', '4-5', '3-4', '5'], [], older('node-4'));
    const tokens = await answered(pipeline.generate(ask()), { 9: [1] });
    expect(tokens).toEqual(await undisturbed());
    expect(running(pipeline)).toEqual(['node-0 0-2', 'node-5 3-4', 'node-6 5-5', 'node-2 6-7']);
  });
});
