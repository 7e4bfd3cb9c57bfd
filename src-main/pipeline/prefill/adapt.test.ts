import { beforeEach, describe, expect, it } from 'vitest';
import { asPeerId, noMetrics, silentLogger, systemClock } from '../../base/index.ts';
import type { ForwardItem } from '../../inference/index.ts';
import { createCoordinator, type OpenPipelineRequest } from '../coordinator/coordinator.ts';
import type { Generation } from '../coordinator/generation.ts';
import type { Adapt, Pipeline } from '../coordinator/pipeline.ts';
import { createReroute } from '../failover/index.ts';
import { ask, cutLayers, LAYERS, openOn, reference, stoppedAfterEach, withoutFeature } from '../testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork, type Intercept } from '../testing/test-network.ts';
import type { RunnerOptions } from '../options.ts';
import { FrameType } from '../wire/constants.ts';
import { decodeFrame, encodeHeader } from '../wire/frame.ts';
import type { StageStats } from '../wire/schema.ts';
import type { PassCost } from './pass-cost.ts';

let network: TestNetwork;
stoppedAfterEach(() => network);
/** What the stages say that passes cost. */
let cost: Pick<PassCost, 'passMs' | 'rowMs'>;
/** Rows of each pass with more than one, per node. */
let passes: number[][] = [];
beforeEach(() => { cost = { passMs: 0.1, rowMs: 1 }; });

const promptOf = (rows: number, from = 5): Int32Array => Int32Array.from({ length: rows }, (_, i) => (i * 37 + from) % 900);

/** Figures as slow stages would report them: no test waits for that. */
const slowly: Intercept = (_way, bytes) => {
  const frame = decodeFrame(bytes, 'p');
  if (frame.type !== FrameType.stats) return bytes;
  const stats = JSON.parse(Buffer.from(frame.payload).toString('utf8')) as StageStats;
  const { prefill } = stats;
  const payload = Buffer.from(JSON.stringify({ ...stats, prefill: { ...prefill, computeUs: 1000 * (prefill.frames * cost.passMs + prefill.rows * cost.rowMs), serialiseUs: 0 } }));
  return Buffer.concat([encodeHeader(frame, { type: FrameType.stats }, payload), payload]);
};

async function open(request: Partial<OpenPipelineRequest> = {}, runner: Partial<RunnerOptions> = {}, intercept: Intercept = slowly): Promise<Pipeline> {
  network = await new TestNetwork([...cutLayers(LAYERS, 3), { first: 0, last: LAYERS - 1 }], { totalLayers: LAYERS, allHoldAll: true, runner }).start();
  network.intercept = intercept;
  passes = network.nodes.map(() => []);
  network.nodes.forEach((node, i) => { node.onForward = (batch) => void (rowsOf(batch) > 1 && passes[i]?.push(rowsOf(batch))); });
  const reroute = createReroute({ modelHash: MODEL, candidates: () => network.route, queryOffers: (asked) => network.coordinator.queryOffers(asked), timeoutMs: 300 });
  return openOn(network, { route: network.route.slice(0, 3), contextTokens: 4096, batchTokens: 256, dtype: 'f32', reroute, ...request });
}

const rowsOf = (batch: readonly ForwardItem[]): number => batch.reduce((rows, { input }) => rows + (input.kind === 'tokens' ? input.tokens.length : input.rows), 0);

async function read(generation: Generation, onToken: (count: number) => void = () => undefined): Promise<{ readonly tokens: number[]; readonly microBatch: number | undefined }> {
  const tokens: number[] = [];
  for await (const { token } of generation) onToken(tokens.push(token));
  return { tokens, microBatch: (await generation.result).stats.microBatch };
}

/** A prompt that finds the stages cold, and three after which the costs are known. */
async function taught(pipeline: Pipeline): Promise<void> {
  for (const rows of [20, 40, 300, 100]) expect((await read(pipeline.generate(ask({ promptTokens: promptOf(rows, rows), maxTokens: 2 })))).microBatch).toBe(256);
}

it('prompts are cut alike, whatever was measured, unless it is asked for', async () => {
  const pipeline = await open();
  await taught(pipeline);
  expect((await read(pipeline.generate(ask({ promptTokens: promptOf(600), maxTokens: 2 })))).microBatch).toBe(256);
});

it('when it is, once the costs are known', async () => {
  const pipeline = await open({ adapt: 'speed' });
  await taught(pipeline);
  for (const node of passes) node.length = 0;
  expect((await read(pipeline.generate(ask({ promptTokens: promptOf(90), maxTokens: 2 })))).microBatch).toBe(32);
  expect(passes.slice(0, 3)).toEqual([[32, 32, 26], [32, 32, 26], [32, 32, 26]]);
  // Passes that cost much in themselves: as few as can be, once enough of them were seen.
  cost = { passMs: 5_000, rowMs: 1 };
  const chosen: (number | undefined)[] = [];
  for (const rows of [200, 10, 500, 20, 300]) chosen.push((await read(pipeline.generate(ask({ promptTokens: promptOf(rows, rows), maxTokens: 2 })))).microBatch);
  expect(chosen.at(-1)).toBe(256);
});

describe('a pass has no more rows than others have time for', () => {
  const others = asPeerId('others');
  /** Each stage has computed a warm pass, and no pass is quick enough for it. */
  const hurried = async (adapt: Adapt): Promise<Pipeline> => {
    const pipeline = await open({ adapt }, { prefillSliceMs: 1e-6 });
    for (const rows of [20, 40]) await microBatchOf(pipeline, rows);
    return pipeline;
  };
  const microBatchOf = async (pipeline: Pipeline, rows: number): Promise<number | undefined> => (await read(pipeline.generate(ask({ promptTokens: promptOf(rows, rows), maxTokens: 2 })))).microBatch;

  it.each(['slice', 'speed'] as const)('while another answer of the same pipeline is under way (%s)', async (adapt) => {
    const pipeline = await hurried(adapt);
    expect(await microBatchOf(pipeline, 500)).toBe(256);
    const first = pipeline.generate(ask({ promptTokens: promptOf(30), maxTokens: 400 }));
    await first[Symbol.asyncIterator]().next();
    for (const node of passes) node.length = 0;
    expect(await microBatchOf(pipeline, 50)).toBe(8);
    expect(passes.slice(0, 3)).toEqual(passes.slice(0, 3).map(() => [8, 8, 8, 8, 8, 8, 2]));
    first.cancel();
    await first.result;
    expect(await microBatchOf(pipeline, 501)).toBeGreaterThan(8);
  });

  it('while another coordinator has a session on any of the stages', async () => {
    const pipeline = await hurried('slice');
    const coordinator = createCoordinator({ connect: network.connectFrom(others), logger: silentLogger, metrics: noMetrics, clock: systemClock });
    const theirs = await coordinator.openPipeline({ route: network.route.slice(0, 3), modelHash: MODEL, contextTokens: 4096, batchTokens: 256, dtype: 'f32' });
    expect(await microBatchOf(pipeline, 502)).toBe(256);
    await read(theirs.generate(ask({ promptTokens: promptOf(30), maxTokens: 2 })));
    let rows = 502;
    await expect.poll(() => microBatchOf(pipeline, ++rows)).toBe(8);
    await theirs.close();
    await expect.poll(() => microBatchOf(pipeline, ++rows)).toBe(256);
  });

  it('but where the size is given, or the coordinator cannot be told', async () => {
    const toOldCoordinator: Intercept = (way, bytes) => (way.from === COORDINATOR ? withoutFeature(bytes, 'slice/1') : bytes);
    for (const [adapt, intercept] of [[undefined, slowly], ['slice', toOldCoordinator]] as const) {
      const pipeline = await open(adapt === undefined ? {} : { adapt }, { prefillSliceMs: 1e-6 }, intercept);
      for (const rows of [20, 40]) await microBatchOf(pipeline, rows);
      const first = pipeline.generate(ask({ promptTokens: promptOf(30), maxTokens: 400 }));
      await first[Symbol.asyncIterator]().next();
      expect(await microBatchOf(pipeline, 500)).toBe(256);
      first.cancel();
      await first.result;
    }
  });
});

it('an answer keeps its own passes when stages are lost, and those of the conversation before it', async () => {
  const pipeline = await open({ adapt: 'speed' });
  await taught(pipeline);
  const first = await read(pipeline.generate(ask({ promptTokens: promptOf(90), maxTokens: 10 })), (count) => { if (count === 3) network.kill(network.node(1).peer); });
  expect(first).toEqual({ tokens: await reference({ promptTokens: promptOf(90), maxTokens: 10 }), microBatch: 32 });
  expect(passes[3]).toEqual([32, 32, 26]);
  cost = { passMs: 5_000, rowMs: 1 };
  const others = { sampling: { ...ask().sampling, seed: 1 }, maxTokens: 2 };
  for (const rows of [200, 10, 500, 20, 300]) await read(pipeline.generate(ask({ ...others, promptTokens: promptOf(rows, rows) })));
  // The session of these is the one that is kept: the first turn is computed again, in other passes.
  const again = await read(pipeline.generate(ask({ promptTokens: promptOf(90), maxTokens: 10 })));
  expect(again).toEqual({ tokens: first.tokens, microBatch: 256 });
  const promptTokens = Int32Array.from([...promptOf(90), ...again.tokens, ...promptOf(200, 3)]);
  cost = { passMs: 0.1, rowMs: 1 };
  for (const node of passes) node.length = 0;
  const answer = await read(pipeline.generate(ask({ promptTokens, maxTokens: 20 })), (count) => { if (count === 5) network.kill(network.node(2).peer); });
  expect(answer.tokens).toEqual(await reference({ promptTokens, maxTokens: 20 }));
  // The last token of the turn before had not been computed.
  expect(new Set(passes.map((rows) => rows.join()))).toContain('201,90,201');
});
