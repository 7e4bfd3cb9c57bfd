import { afterEach, describe, expect, it } from 'vitest';
import type { Metrics } from '../base/index.ts';
import { chromeTrace } from './trace/chrome.ts';
import type { RequestTrace, StageTrace } from './trace/request-trace.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { FEATURES, FrameType, HEADER_BYTES, TOKEN_BYTES } from './wire/constants.ts';
import { decodeFrame, encodeHeader } from './wire/frame.ts';
import { decodeSteps, encodeSteps, STEP_BYTES, type StepRecord } from './wire/steps.ts';
import { createReroute } from './failover/index.ts';
import { MAX_TRACE_STEPS } from './options.ts';
import { ask, cutLayers, expectNoLeak, GREEDY_SAMPLING, ids, LAYERS, openOn, PROMPT, read, until, withoutFeature } from './testing/scenario.ts';
import { MODEL, TestNetwork, type TestNetworkOptions } from './testing/test-network.ts';
import { TINY } from './testing/tiny-engine.ts';

let network: TestNetwork | undefined;

async function open(stages: number, options: TestNetworkOptions = {}): Promise<{ net: TestNetwork; pipeline: Pipeline }> {
  const net = (network = await new TestNetwork(cutLayers(LAYERS, stages), options).start());
  return { net, pipeline: await openOn(net) };
}

/** Metrics whose present values can be asked for. */
function listening(): { readonly metrics: Metrics; readonly values: Map<string, number> } {
  const values = new Map<string, number>();
  const key = (name: string, labels: object = {}): string => [name, ...Object.values(labels)].join(' ');
  const add = (at: string, by: number): void => void values.set(at, (values.get(at) ?? 0) + by);
  return {
    values,
    metrics: {
      counter: ({ name }) => ({ inc: (labels, by = 1) => add(key(name, labels), by) }),
      gauge: ({ name }) => ({ set: (value) => void values.set(name, value) }),
      histogram: ({ name }) => ({ observe: () => add(name, 1) }),
    },
  };
}

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

describe('figures of an answer', () => {
  it('count rows, bytes and passes of every stage, and the gaps between tokens', async () => {
    const { pipeline } = await open(3);
    const generation = pipeline.generate(ask());
    await read(generation);
    const { stats } = await generation.result;
    // 23 prompt rows in passes of 8, 8 and 7; 39 tokens fed again.
    const rowBytes = TINY.hiddenSize * 2;
    const toNext = (23 + 39) * rowBytes + (3 + 39) * HEADER_BYTES;
    const toFirst = 40 * (HEADER_BYTES + TOKEN_BYTES);
    expect(stats.stages.map((stage) => [stage?.rows, stage?.flow?.bytesOut])).toEqual([[62, toNext], [62, toNext], [62, toFirst]]);
    expect(stats.boundaries.map(({ from, to, bytes }) => [from, to, bytes])).toEqual([[0, 1, toNext], [1, 2, toNext], [2, 0, toFirst]]);
    for (const stage of stats.stages) expect(stage?.flow?.batchFill).toBeCloseTo((23 + 39) / 42 / 8, 10);
    expect(stats.itlMs?.p50).toBeGreaterThan(0);
    expect(stats.itlMs?.p99).toBeGreaterThanOrEqual(stats.itlMs?.p50 ?? Infinity);
    expect(stats.queuedMs).toBeLessThanOrEqual(stats.ttftMs ?? 0);
  });

  it('know no gap in an answer of one token', async () => {
    const { pipeline } = await open(2);
    const generation = pipeline.generate(ask({ maxTokens: 1 }));
    await read(generation);
    expect((await generation.result).stats).toMatchObject({ generatedTokens: 1, itlMs: undefined });
  });

  it('count what shares a pass as its fill', async () => {
    const { pipeline } = await open(1);
    const both = [pipeline.generate(ask()), pipeline.generate(ask())];
    await Promise.all(both.map(read));
    const fill = (await Promise.all(both.map(({ result }) => result))).map(({ stats }) => stats.stages[0]?.flow?.batchFill ?? 0);
    expect(Math.max(...fill)).toBeGreaterThan((23 + 39) / 42 / 8);
  });

  it('come without what is new from a stage whose coordinator does not know it, and the answer is whole', async () => {
    const { net, pipeline: first } = await open(2);
    await first.close();
    net.intercept = ({ from }, bytes) => (from === 'coordinator' ? withoutFeature(bytes, FEATURES.observe) : bytes);
    const pipeline = await openOn(net);
    const generation = pipeline.generate(ask());
    expect(await ids(generation)).toHaveLength(40);
    const { stats } = await generation.result;
    expect(stats.stages.map((stage) => stage?.flow)).toEqual([undefined, undefined]);
    expect(stats.stages.every((stage) => stage?.rows === 62)).toBe(true);
  });

  it('say how many answers are under way and how many wait', async () => {
    const { pipeline } = await open(2, { runner: { maxSessionsPerEngine: 1 } });
    const slow = pipeline.generate(ask({ maxTokens: 100 }));
    const reading = slow[Symbol.asyncIterator]();
    await reading.next();
    const second = pipeline.generate(ask());
    await until(() => pipeline.waiting === 1);
    expect(pipeline.answers).toEqual([expect.objectContaining({ isPlaced: true, ttftMs: expect.any(Number) }), expect.objectContaining({ isPlaced: false, tokens: 0, ttftMs: undefined })]);
    slow.cancel();
    expect(await ids(second)).toHaveLength(40);
    expect([pipeline.waiting, pipeline.answers]).toEqual([0, []]);
  });
});

describe('a trace', () => {
  it('has every frame of every stage in order, on the coordinator\'s clock, and what was not asked for is not there', async () => {
    const { net, pipeline } = await open(3);
    const traced = pipeline.generate(ask({ trace: true }));
    await read(traced);
    const trace = (await traced.result).trace!;
    expect(trace.tokens.map(({ position }) => position)).toEqual(Array.from({ length: 40 }, (_, i) => PROMPT.length + i));
    expect(trace.tokens.filter(({ gapUs }) => gapUs === undefined)).toHaveLength(1);
    for (const stage of trace.stages) expectAllSteps(stage!, trace);
    expect(trace.stages.map((stage) => stage?.peer)).toEqual(net.route.map(({ peer }) => peer));
    expect(chromeTrace(trace).traceEvents.filter(({ ph }) => ph === 'X').length).toBeGreaterThan(3 * 42);
    const plain = pipeline.generate(ask());
    await read(plain);
    expect(await plain.result).not.toHaveProperty('trace');
    await pipeline.close();
    await expectNoLeak(net);
  });

  it('is there without stages when the answer is cancelled before it had a place', async () => {
    const { pipeline } = await open(2);
    const traced = pipeline.generate(ask({ trace: true, signal: AbortSignal.abort() }));
    await read(traced);
    expect((await traced.result).trace).toMatchObject({ placedMs: undefined, tokens: [], stages: [] });
  });

  it('leaves a stage out that does not know traces', async () => {
    const { net, pipeline: first } = await open(2);
    await first.close();
    net.intercept = ({ from }, bytes) => (from === 'node-1' ? withoutFeature(bytes, FEATURES.observe) : bytes);
    const pipeline = await openOn(net);
    const traced = pipeline.generate(ask({ trace: true }));
    await read(traced);
    expect((await traced.result).trace?.stages.map((stage) => stage?.stage)).toEqual([0, undefined]);
  });
});

describe('metrics', () => {
  it('count gaps, fill and bytes, and nothing waits at the end', async () => {
    const { metrics, values } = listening();
    const { net, pipeline } = await open(3, { metrics, runner: { maxSessionsPerEngine: 1 } });
    await Promise.all([1, 2, 3].map(async (seed) => {
      // Each in a session of its own.
      const generation = pipeline.generate(ask({ sampling: { ...GREEDY_SAMPLING, temperature: 0.5, seed } }));
      await read(generation);
      await generation.result;
    }));
    await pipeline.close();
    await expectNoLeak(net);
    expect(values.get('omninode_pipeline_itl_seconds')).toBe(3 * 39);
    expect(values.get('omninode_stage_batch_fill_ratio')).toBe(3 * 3 * 42);
    expect(values.get('omninode_pipeline_boundary_bytes_total 2 0')).toBe(3 * 40 * (HEADER_BYTES + TOKEN_BYTES));
    const sent = [0, 1, 2].reduce((sum, from) => sum + (values.get(`omninode_pipeline_boundary_bytes_total ${from} ${(from + 1) % 3}`) ?? 0), 0);
    expect(values.get('omninode_stage_sent_bytes_total stage mesh')).toBe(sent);
    expect(values.get('omninode_pipeline_waiting_answers')).toBe(0);
    expect(values.get('omninode_stage_queue_frames')).toBe(0);
  });
});

describe('metrics of a loss', () => {
  it('count each time that stages were replaced', async () => {
    const { metrics, values } = listening();
    const net = (network = await new TestNetwork([...cutLayers(LAYERS, 2), { first: 0, last: LAYERS - 1 }], { totalLayers: LAYERS, allHoldAll: true, metrics }).start());
    const reroute = createReroute({ modelHash: MODEL, candidates: () => net.route, queryOffers: (request) => net.coordinator.queryOffers(request), timeoutMs: 300 });
    const pipeline = await openOn(net, { route: net.route.slice(0, 2), reroute });
    const generation = pipeline.generate(ask());
    let tokens = 0;
    for await (const { position } of generation) if (position > 0 && ++tokens === 5) net.kill(net.node(1).peer);
    expect({ tokens, failovers: values.get('omninode_pipeline_failovers_total') }).toEqual({ tokens: 40, failovers: 1 });
  });
});

describe('step records', () => {
  const step: StepRecord = { position: 1 << 20, rows: 4096, isPrefill: true, isLane: false, isDraft: false, ageUs: 5, computeUs: 6, serialiseUs: 7, waitUs: 8 };
  const frameOf = (payload: Uint8Array): Uint8Array => Buffer.concat([encodeHeader({ session: '0'.repeat(32) as never, stage: 0 }, { type: FrameType.trace }, payload), payload]);

  it('arrive as they were sent, whole µs and never negative', () => {
    const sent = [step, { ...step, isPrefill: false, isLane: true, isDraft: true, ageUs: -3, computeUs: 1e12, waitUs: 0.6 }];
    expect(decodeSteps(decodeFrame(frameOf(encodeSteps(sent)), 'p').payload)).toEqual([step, { ...sent[1], ageUs: 0, computeUs: 0xffff_ffff, waitUs: 1 }]);
  });

  it('are the newest that fit; other lengths are refused', () => {
    const many = Array.from({ length: MAX_TRACE_STEPS + 3 }, (_, position) => ({ ...step, position }));
    expect(decodeSteps(encodeSteps(many)).map(({ position }) => position)).toEqual(many.slice(3).map(({ position }) => position));
    for (const bytes of [STEP_BYTES - 1, STEP_BYTES + 1, STEP_BYTES * (MAX_TRACE_STEPS + 1)]) expect(() => decodeFrame(frameOf(new Uint8Array(bytes)), 'p')).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_FRAME' }));
  });
});

/** Those of a prompt of 23 in micro-batches of 8, and of 39 tokens fed again; between the request and its end, as far as the clocks can be trusted. */
function expectAllSteps({ steps, uncertaintyUs }: StageTrace, { startedMs, endedMs }: RequestTrace): void {
  const positions = [0, 8, 16, ...Array.from({ length: 39 }, (_, i) => PROMPT.length + i)];
  expect(steps.map(({ position, rows, isPrefill }) => [position, rows, isPrefill])).toEqual(positions.map((at) => (at >= 23 ? [at, 1, false] : [at, at === 16 ? 7 : 8, true])));
  // Times travel in whole µs.
  const slackMs = uncertaintyUs / 1000 + 0.003;
  for (const { endMs } of steps) expect([endMs >= startedMs - slackMs, endMs <= endedMs + slackMs]).toEqual([true, true]);
}
