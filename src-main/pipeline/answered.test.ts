import { expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import type { EndedAnswer } from './events.ts';
import { createReroute } from './failover/index.ts';
import { ask, cutLayers, LAYERS, openOn, read, stoppedAfterEach } from './testing/scenario.ts';
import { MODEL, TestNetwork } from './testing/test-network.ts';

let network: TestNetwork;
stoppedAfterEach(() => network);

/** Three stages and a spare node, which all hold every layer; and what is told of ended answers. */
async function start({ canReroute = true } = {}): Promise<{ readonly pipeline: Pipeline; readonly ended: EndedAnswer[] }> {
  network = await new TestNetwork([...cutLayers(LAYERS, 3), { first: 0, last: LAYERS - 1 }], { totalLayers: LAYERS, allHoldAll: true }).start();
  const candidates = network.route.map(({ peer, addresses }) => ({ peer, addresses }));
  const reroute = createReroute({ modelHash: MODEL, candidates: () => candidates, queryOffers: (request) => network.coordinator.queryOffers(request), timeoutMs: 300 });
  const pipeline = await openOn(network, { route: network.route.slice(0, 3), contextTokens: 4096, ...(canReroute ? { reroute } : {}) });
  const ended: EndedAnswer[] = [];
  pipeline.events.on('answered', (answer) => void ended.push(answer));
  return { pipeline, ended };
}

it('tells of every answer that ends, with the figures of its result, before that', async () => {
  const { pipeline, ended } = await start();
  const generation = pipeline.generate(ask());
  expect(pipeline.tokens).toBe(0);
  const told = generation.result.then(() => ended.length);
  await read(generation);
  expect(await told).toBe(1);
  expect(ended[0]).toMatchObject({ reason: 'length', error: undefined, interruptions: [], stats: { generatedTokens: 40 } });
  expect(ended[0]?.stats).toBe((await generation.result).stats);
  expect(ended[0]?.stages).toEqual(pipeline.stages);
  expect(ended[0]?.durationMs).toBeGreaterThanOrEqual(ended[0]?.stats.ttftMs ?? Infinity);
  expect(pipeline.tokens).toBe(40);
  const next = pipeline.generate(ask({ maxTokens: 3 }));
  await read(next);
  await next.result;
  expect(pipeline.tokens).toBe(43);
});

it('tells what a lost stage cost each answer: after which token, how long, and who took over', async () => {
  const { pipeline, ended } = await start();
  const generation = pipeline.generate(ask());
  let count = 0;
  for await (const _ of generation) if (++count === 9) network.kill(asPeerId('node-1'));
  await generation.result;
  const [answer] = ended;
  expect(answer?.interruptions).toHaveLength(1);
  const [interruption] = answer?.interruptions ?? [];
  expect(interruption?.error.meta).toMatchObject({ peer: 'node-1', layers: { first: 2, last: 4 } });
  expect(interruption?.takenBy.map(({ peer, layers }) => [peer, layers])).toEqual([['node-3', { first: 2, last: 4 }]]);
  expect(interruption?.tokens).toBeGreaterThanOrEqual(9);
  expect(interruption?.tokens).toBeLessThan(40);
  expect(interruption?.pausedMs).toBeGreaterThan(0);
  const next = pipeline.generate(ask());
  await read(next);
  await next.result;
  expect(ended[1]?.interruptions).toEqual([]);
});

it('tells of an answer that failed, with what there was of it', async () => {
  const { pipeline, ended } = await start({ canReroute: false });
  const generation = pipeline.generate(ask());
  let count = 0;
  await expect((async () => { for await (const _ of generation) if (++count === 5) network.kill(asPeerId('node-2')); })()).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LOST' });
  expect(ended).toHaveLength(1);
  expect(ended[0]).toMatchObject({ reason: 'failed', error: { code: 'PIPELINE_STAGE_LOST' }, stats: { stages: [] } });
  expect(ended[0]?.stats.generatedTokens).toBeGreaterThanOrEqual(5);
  expect(pipeline.tokens).toBe(ended[0]?.stats.generatedTokens);
});

it('tells whether others were under way beside it, be it for a moment', async () => {
  const { pipeline, ended } = await start();
  const long = pipeline.generate(ask());
  const short = pipeline.generate(ask({ maxTokens: 2 }));
  await Promise.all([read(long), read(short)]);
  await Promise.all([long.result, short.result]);
  const alone = pipeline.generate(ask());
  await read(alone);
  await alone.result;
  expect(ended.map(({ isAlone }) => isAlone)).toEqual([false, false, true]);
});
