import { afterEach, describe, expect, it } from 'vitest';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { isCoded } from '../base/index.ts';
import type { GenerateRequest } from './coordinator/generation.ts';
import type { OpenPipelineRequest } from './coordinator/coordinator.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { ask, cutLayers, expectNoLeak, GREEDY_SAMPLING, ids, LAYERS, openOn, PROMPT, read, reference } from './testing/scenario.ts';
import { TestNetwork, type TestNetworkOptions } from './testing/test-network.ts';

let network: TestNetwork | undefined;

async function open(stages: number, request: Partial<OpenPipelineRequest> = {}, options: TestNetworkOptions = {}): Promise<{ network: TestNetwork; pipeline: Pipeline }> {
  network = await new TestNetwork(cutLayers(LAYERS, stages), options).start();
  return { network, pipeline: await openOn(network, request) };
}

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

describe('a pipeline answers as one machine does', () => {
  for (const stages of [1, 2, 3, 4, 5]) {
    for (const dtype of ['f16', 'f32'] as const) {
      it(`over ${stages} stages with ${dtype} hidden states`, async () => {
        const { network: net, pipeline } = await open(stages, { dtype });
        expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
        await pipeline.close();
        await expectNoLeak(net);
      });
    }
  }

  it('with as many stages as layers', async () => {
    const { pipeline } = await open(LAYERS);
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
  });

  it('with seeded sampling and alternatives', async () => {
    const sampling = { ...GREEDY_SAMPLING, temperature: 0.8, seed: 7, topLogprobs: 3 };
    const { pipeline } = await open(3);
    const tokens = await read(pipeline.generate(ask({ sampling })));
    expect(tokens.map(({ token }) => token)).toEqual(await reference({ sampling }));
    expect(tokens[0]?.top.map(({ token }) => token)).toEqual([0, 1, 2].map((i) => (tokens[0]!.token + i) % 997));
    expect(tokens.map(({ position }) => position)).toEqual(tokens.map((_, i) => PROMPT.length + i));
  });

  it('for two generations at once and several after each other', async () => {
    const { pipeline } = await open(3);
    const other = Int32Array.from([5, 4, 3, 2, 1]);
    const both = await Promise.all([ids(pipeline.generate(ask())), ids(pipeline.generate(ask({ promptTokens: other })))]);
    expect(both).toEqual([await reference(), await reference({ promptTokens: other })]);
    for (const promptTokens of [other, PROMPT, PROMPT.subarray(0, 3)]) expect(await ids(pipeline.generate(ask({ promptTokens })))).toEqual(await reference({ promptTokens }));
  });

  it('goes on with a conversation from the common prefix', async () => {
    const { pipeline } = await open(3);
    const answer = await ids(pipeline.generate(ask()));
    const longer = Int32Array.from([...PROMPT, ...answer.slice(0, 30), 9, 8, 7]);
    const generation = pipeline.generate(ask({ promptTokens: longer }));
    expect(await ids(generation)).toEqual(await reference({ promptTokens: longer }));
    expect((await generation.result).stats).toMatchObject({ promptTokens: 56, reusedTokens: 53 });
  });

  it('goes on with a conversation with the seed that it began with, where nobody asked for another, and draws nothing twice', async () => {
    const { pipeline } = await open(3);
    const drawn = (seed: number) => ({ ...GREEDY_SAMPLING, temperature: 0.8, seed });
    const turn = async (promptTokens: Int32Array, seed: number, anySeed = true): Promise<{ readonly tokens: number[]; readonly reused: number }> => {
      const generation = pipeline.generate(ask({ promptTokens, sampling: drawn(seed), anySeed }));
      return { tokens: await ids(generation), reused: generation.reusedTokens };
    };
    const first = await turn(PROMPT, 1);
    const longer = Int32Array.from([...PROMPT, ...first.tokens, 9, 8]);
    const second = await turn(longer, 2);
    expect(second.tokens).toEqual(await reference({ promptTokens: longer, sampling: drawn(1) }));
    expect(second.reused).toBeGreaterThan(PROMPT.length);
    // The same question again is to have another answer, and who names a seed gets that one.
    expect(await turn(longer, 3)).toEqual({ tokens: await reference({ promptTokens: longer, sampling: drawn(3) }), reused: 0 });
    const third = Int32Array.from([...longer, ...Array<number>(60).fill(7)]);
    expect(await turn(third, 4, false)).toEqual({ tokens: await reference({ promptTokens: third, sampling: drawn(4) }), reused: 0 });
    // Where nothing is drawn all seeds are alike.
    const greedy = async (seed: number): Promise<number> => {
      const generation = pipeline.generate(ask({ sampling: { ...GREEDY_SAMPLING, seed } }));
      expect(await ids(generation)).toEqual(await reference());
      return generation.reusedTokens;
    };
    expect([await greedy(1), await greedy(2) > 0]).toEqual([0, true]);
  });

  it('when one node serves two stages of it, and talks to itself', async () => {
    const net = (network = await new TestNetwork(cutLayers(LAYERS, 2), { allHoldAll: true }).start());
    const [a, b] = net.route;
    const route = [{ ...a!, layers: { first: 0, last: 2 } }, { ...b!, layers: { first: 3, last: 4 } }, { ...a!, layers: { first: 5, last: 6 } }, { ...a!, layers: { first: 7, last: 7 } }];
    const pipeline = await openOn(net, { route });
    expect(await Promise.all([ids(pipeline.generate(ask())), ids(pipeline.generate(ask()))])).toEqual([await reference(), await reference()]);
    await pipeline.close();
    await expectNoLeak(net);
  });

  it('under random loads, cancels and readers that leave (seeded)', async () => {
    const { network: net, pipeline } = await open(3, { contextTokens: 4096 });
    const expected = await reference({ maxTokens: 60 });
    let seed = 12345;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    let whole = 0;
    const one = async (): Promise<void> => {
      const [what, at, cancel] = [random(3), random(40), new AbortController()];
      const got: number[] = [];
      for await (const { token } of pipeline.generate(ask({ maxTokens: 60, signal: cancel.signal }))) {
        got.push(token);
        if (got.length > at && what === 0) cancel.abort();
        if (got.length > at && what === 1) break;
      }
      expect(got).toEqual(expected.slice(0, got.length));
      if (got.length === 60) whole++;
    };
    const client = async (): Promise<void> => { for (let i = 0; i < 25; i++) await one(); };
    await Promise.all(Array.from({ length: 8 }, client));
    expect(whole).toBeGreaterThan(40);
    expect(await ids(pipeline.generate(ask({ maxTokens: 60 })))).toEqual(expected);
    await pipeline.close();
    await expectNoLeak(net);
  });

  it('for more answers than there are places: the later ones wait their turn and are told how many are ahead', async () => {
    const { network: net, pipeline } = await open(2, {}, { runner: { maxSessionsPerEngine: 2 } });
    const told = Array.from({ length: 6 }, (): number[] => []);
    const all = await Promise.all(told.map((ahead) => ids(pipeline.generate(ask({ onWait: (count) => ahead.push(count) })))));
    expect(all).toEqual(Array.from({ length: 6 }, () => expect.anything()));
    for (const tokens of all) expect(tokens).toEqual(await reference());
    expect(told.filter((ahead) => ahead.length === 0)).toHaveLength(2);
    expect(Math.max(...told.flat())).toBe(3);
    for (const ahead of told) expect(ahead).toEqual(ahead.toSorted((a, b) => b - a));
    await pipeline.close();
    await expectNoLeak(net);
  });

  it('for one that waits and is cancelled: it leaves the queue', async () => {
    const { pipeline } = await open(2, {}, { runner: { maxSessionsPerEngine: 1 } });
    const cancel = new AbortController();
    const [first, second, third] = [pipeline.generate(ask()), pipeline.generate(ask({ signal: cancel.signal, onWait: () => cancel.abort() })), pipeline.generate(ask())];
    expect(await Promise.all([first, second, third].map(ids))).toEqual([await reference(), [], await reference()]);
    expect((await second.result).finishReason).toBe('cancelled');
  });

  it('batches sessions that wait for the same engine', async () => {
    const { network: net, pipeline } = await open(2);
    net.node(1).onForward = () => delay(2);
    await Promise.all([1, 2, 3, 4].map((seed) => ids(pipeline.generate(ask({ sampling: { ...GREEDY_SAMPLING, seed } })))));
    expect(net.node(1).engines[0]?.largestBatch).toBeGreaterThan(1);
  });
});

describe('answers at the same time', () => {
  /** The passes of the only stage while one answers and others, with long prompts, begin. */
  async function passes(prompts: number): Promise<{ log: string[]; sessions: Set<number> }> {
    const { network: net, pipeline } = await open(1, { contextTokens: 4096 });
    const log: string[] = [];
    const sessions = new Set<number>();
    let isOn = false;
    net.node(0).onForward = (batch) => {
      const rows = batch.reduce((sum, { input }) => sum + (input.kind === 'tokens' ? input.tokens.length : 0), 0);
      if (isOn) log.push(rows === batch.length ? 'decode' : `prefill ${batch.map(({ session }) => session).join()}`);
      for (const { session } of batch) sessions.add(session);
      return undefined;
    };
    const long = Int32Array.from({ length: 160 }, (_, i) => (i * 13) % 900);
    const answering = pipeline.generate(ask({ maxTokens: 600 }));
    const others: Promise<number[]>[] = [];
    let count = 0;
    for await (const { token } of answering) {
      if (++count !== 70 || token < 0) continue;
      isOn = true;
      for (let i = 0; i < prompts; i++) others.push(ids(pipeline.generate(ask({ promptTokens: Int32Array.from(long, (one) => one + i), maxTokens: 1 }))));
    }
    await Promise.all(others);
    return { log, sessions };
  }

  it('a long prompt holds nobody’s next token back for more than one micro-batch', async () => {
    const { log } = await passes(1);
    const first = log.findIndex((pass) => pass !== 'decode');
    const mixed = log.slice(first, log.findLastIndex((pass) => pass !== 'decode') + 1);
    expect(mixed.filter((pass) => pass !== 'decode')).toHaveLength(20);
    for (let i = 1; i < mixed.length; i++) expect([mixed[i - 1], mixed[i]]).toContain('decode');
  });

  it('prompts take turns', async () => {
    const { log } = await passes(2);
    const prefills = log.filter((pass) => pass !== 'decode');
    expect(new Set(prefills).size).toBe(2);
    const overlap = prefills.slice(prefills.findIndex((pass) => pass !== prefills[0]) - 1, prefills.findLastIndex((pass) => pass === prefills[0]));
    expect(overlap.length).toBeGreaterThan(30);
    for (let i = 1; i < overlap.length; i++) expect(overlap[i]).not.toBe(overlap[i - 1]);
  });
});

describe('an answer ends', () => {
  it('at an end token, which is not part of it', async () => {
    const all = await reference();
    const { pipeline } = await open(3);
    const generation = pipeline.generate(ask({ endTokens: [all[6]!] }));
    expect(await ids(generation)).toEqual(all.slice(0, all.indexOf(all[6]!)));
    expect((await generation.result).finishReason).toBe('stop');
  });

  it('at maxTokens, with figures of every stage and boundary', async () => {
    const { pipeline } = await open(3);
    const generation = pipeline.generate(ask({ maxTokens: 12 }));
    expect(await ids(generation)).toHaveLength(12);
    const { finishReason, stats } = await generation.result;
    expect(finishReason).toBe('length');
    expect(stats.generatedTokens).toBe(12);
    expect(stats.ttftMs).toBeGreaterThan(0);
    expect(stats.tokensPerSecond).toBeGreaterThan(0);
    expect(stats.stages).toHaveLength(3);
    for (const stage of stats.stages) expect(stage?.msPerToken).toBeGreaterThan(0);
    expect(stats.boundaries.map(({ from, to }) => [from, to])).toEqual([[0, 1], [1, 2], [2, 0]]);
    for (const boundary of stats.boundaries) for (const ms of [boundary.computeMs, boundary.serialiseMs, boundary.waitMs, boundary.wireMs]) expect(ms).toBeGreaterThanOrEqual(0);
    expect(pipeline.stats).toBe(stats);
  });

  it('at the end of the context', async () => {
    const { pipeline } = await open(2, { contextTokens: 32 });
    const generation = pipeline.generate(ask({ maxTokens: 10_000 }));
    expect(await ids(generation)).toEqual((await reference()).slice(0, 10));
    expect((await generation.result).finishReason).toBe('context');
  });

  it('at once for a prompt that is empty, too long, or asks for nothing', async () => {
    const { pipeline } = await open(2, { contextTokens: 32 });
    const code = (request: Partial<GenerateRequest>): Promise<unknown> => ids(pipeline.generate(ask(request))).catch((error: { code: string }) => error.code);
    expect(await code({ promptTokens: new Int32Array(0) })).toBe('PIPELINE_EMPTY_PROMPT');
    expect(await code({ promptTokens: new Int32Array(33) })).toBe('PIPELINE_PROMPT_TOO_LONG');
    expect(await code({ maxTokens: 0 })).toBe('PIPELINE_BAD_OPTION');
    expect(await code({ promptTokens: Int32Array.of(5000) })).toBe('PIPELINE_BAD_OPTION');
    expect(await ids(pipeline.generate(ask({ maxTokens: 3 })))).toHaveLength(3);
  });

  it('cleanly when cancelled, and frees the caches', async () => {
    const { network: net, pipeline } = await open(3, { contextTokens: 100_000 });
    const cancel = new AbortController();
    const generation = pipeline.generate(ask({ maxTokens: 90_000, signal: cancel.signal }));
    let seen = 0;
    for await (const _ of generation) if (++seen === 5) cancel.abort();
    expect((await generation.result).finishReason).toBe('cancelled');
    for (let i = 0; i < 1000 && net.nodes.some(({ engines }) => engines[0]!.openSessions > 0); i++) await turn();
    expect(net.nodes.map(({ engines }) => engines[0]!.openSessions)).toEqual([0, 0, 0]);
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    await pipeline.close();
    await expectNoLeak(net);
  });

  it('when its reader leaves; the next one goes on from there', async () => {
    const { pipeline } = await open(3);
    const tokens: number[] = [];
    const generation = pipeline.generate(ask({ maxTokens: 200 }));
    for await (const { token } of generation) if (tokens.push(token) === 7) break;
    expect((await generation.result).finishReason).toBe('cancelled');
    const longer = Int32Array.from([...PROMPT, ...tokens, 1, 2]);
    const next = pipeline.generate(ask({ promptTokens: longer }));
    expect(await ids(next)).toEqual(await reference({ promptTokens: longer }));
    expect((await next.result).stats.reusedTokens).toBeGreaterThanOrEqual(PROMPT.length + 6);
  });

  it('when the pipeline is closed', async () => {
    const { network: net, pipeline } = await open(2, { contextTokens: 100_000 });
    const generation = pipeline.generate(ask({ maxTokens: 90_000 }));
    for await (const _ of generation) void pipeline.close();
    expect((await generation.result).finishReason).toBe('cancelled');
    expect(await pipeline.closed).toBeUndefined();
    expect(await ids(pipeline.generate(ask())).catch((error: unknown) => isCoded(error, 'PIPELINE_CLOSED'))).toBe(true);
    await expectNoLeak(net);
  });
});

describe('stages do not run away from a slow reader', () => {
  it('stops at the token window and goes on when the reader does', async () => {
    const { network: net, pipeline } = await open(2, { contextTokens: 4096 });
    let rows = 0;
    net.node(0).onForward = (batch) => void (rows += batch.length);
    const generation = pipeline.generate(ask({ maxTokens: 500 }));
    const iterator = generation[Symbol.asyncIterator]();
    await iterator.next();
    let before = -1;
    while (rows !== before) {
      before = rows;
      for (let i = 0; i < 200; i++) await turn();
    }
    expect(rows).toBeLessThan(100);
    let count = 1;
    while ((await iterator.next()).done !== true) count++;
    expect(count).toBe(500);
  });

  it('holds back a prompt that a later stage cannot take as fast', async () => {
    const { network: net, pipeline } = await open(2, { contextTokens: 4096 });
    const promptTokens = Int32Array.from({ length: 400 }, (_, i) => i);
    const gate = Promise.withResolvers<void>();
    let firstStage = 0;
    net.node(0).onForward = () => void firstStage++;
    net.node(1).onForward = () => gate.promise;
    const answer = ids(pipeline.generate(ask({ promptTokens, maxTokens: 3 })));
    for (let i = 0; i < 500; i++) await turn();
    expect(firstStage).toBeLessThan(10);
    gate.resolve();
    expect(await answer).toEqual((await open(1, { contextTokens: 4096 }).then(({ pipeline: single }) => ids(single.generate(ask({ promptTokens, maxTokens: 3 }))))));
    await net.stop();
  });
});
