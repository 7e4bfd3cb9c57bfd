import { expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import { createReroute } from './failover/index.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { ask, cutLayers, ids, LAYERS, openOn, read, reference, stoppedAfterEach, until } from './testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork } from './testing/test-network.ts';

const REASON = 'its owner has switched that off';
const leaver = asPeerId('node-1');
const serving = new AbortController().signal;
let network: TestNetwork;
let isOpen = true;
stoppedAfterEach(() => network);

/** Three stages and a spare; all hold all layers, and the middle one may refuse. */
async function start(reroutes = true): Promise<Pipeline> {
  isOpen = true;
  network = await new TestNetwork([...cutLayers(LAYERS, 3), { first: 0, last: LAYERS - 1 }], {
    totalLayers: LAYERS, allHoldAll: true, runner: { idleUnloadMs: 60_000 }, refuses: (node) => (node === leaver && !isOpen ? REASON : undefined),
  }).start();
  const candidates = network.route.map(({ peer, addresses }) => ({ peer, addresses }));
  const reroute = createReroute({ modelHash: MODEL, candidates: () => candidates, queryOffers: (request) => network.coordinator.queryOffers(request), timeoutMs: 300 });
  return openOn(network, { route: network.route.slice(0, 3), contextTokens: 4096, ...(reroutes ? { reroute } : {}) });
}

const leave = (graceMs: number): Promise<void> => {
  isOpen = false;
  return network.node(1).runner.leave({ isFor: (peer) => peer === COORDINATOR, reason: REASON, graceMs, signal: serving });
};

it('a node that leaves in the middle of an answer hands it over, token for token, and keeps nothing', async () => {
  const pipeline = await start();
  const generation = pipeline.generate(ask());
  const tokens: number[] = [];
  let left: Promise<void> | undefined;
  for await (const { token } of generation) if (tokens.push(token) === 9) left = leave(0);
  await left;
  expect(tokens).toEqual(await reference());
  expect(pipeline.stages.map(({ peer }) => peer)).not.toContain(leaver);
  expect((await generation.result).stats.failovers).toBe(1);
  await until(() => network.node(1).runner.counts.engines === 0);
  expect(network.node(1).runner.counts).toMatchObject({ sessions: 0, engines: 0 });
  await pipeline.close();
});

it('within the grace an answer ends where it is; then others take the layers before the next one', async () => {
  const pipeline = await start();
  const generation = pipeline.generate(ask());
  const rerouted = pipeline.events.once('rerouted');
  const tokens: number[] = [];
  let left: Promise<void> | undefined;
  for await (const { token } of generation) if (tokens.push(token) === 9) left = leave(60_000);
  expect(tokens).toEqual(await reference());
  expect((await generation.result).stats.failovers).toBe(0);
  await left;
  expect((await rerouted).stages.map(({ peer }) => peer)).not.toContain(leaver);
  expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
  await pipeline.close();
});

it('who asks while it does not serve is told so, by code', async () => {
  const pipeline = await start();
  await pipeline.close();
  await leave(0);
  await expect(network.coordinator.queryOffers({ peer: leaver, addresses: [] })).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT', fault: 'user', message: expect.stringContaining(REASON) });
  await expect(openOn(network, { route: network.route.slice(0, 3) })).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT', meta: { stage: 1, peer: leaver } });
});

it('where nobody takes over, the answer ends with the reason', async () => {
  const pipeline = await start(false);
  const generation = pipeline.generate(ask());
  let count = 0;
  const reading = (async () => { for await (const _ of generation) if (++count === 5) void leave(0); })();
  await expect(reading).rejects.toMatchObject({ code: 'PIPELINE_STAGE_LEFT' });
});

it('says whom it serves, and what it computed of it', async () => {
  const pipeline = await start();
  const { runner } = network.node(1);
  const told: number[] = [];
  runner.events.on('rows:computed', ({ coordinator, rows }) => { if (coordinator === COORDINATOR) told.push(rows); });
  await read(pipeline.generate(ask()));
  const [session] = await runner.serving();
  expect(session).toMatchObject({ coordinator: COORDINATOR, modelHash: MODEL, layers: network.node(1).layers });
  const { rows = 0 } = session ?? {};
  // The prompt's 23 and the answer's 40, whose last token is not fed in any more.
  expect(rows).toBe(62);
  await pipeline.close();
  await until(() => told.length > 0);
  expect(told.reduce((sum, one) => sum + one, 0)).toBe(rows);
});
