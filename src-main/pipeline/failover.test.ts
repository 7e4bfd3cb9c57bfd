import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { asPeerId, type CodedError, type PeerId } from '../base/index.ts';
import type { OpenPipelineRequest } from './coordinator/coordinator.ts';
import type { Generation } from './coordinator/generation.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import { createReroute } from './failover/index.ts';
import { ask, cutLayers, expectNoLeak, GREEDY_SAMPLING, ids, LAYERS, openOn, PROMPT, reference, stoppedAfterEach, until } from './testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork, type TestNetworkOptions } from './testing/test-network.ts';
import { AT, FrameType } from './wire/constants.ts';

const QUICK = { heartbeatMs: 25, heartbeatTimeoutMs: 300 };
const SEEDED = { ...GREEDY_SAMPLING, temperature: 0.8, seed: 7 };
let network: TestNetwork;
stoppedAfterEach(() => network);

/** Three stages, and `spares` more nodes; every node holds every layer. */
async function start(spares: number, options: TestNetworkOptions & { readonly request?: Partial<OpenPipelineRequest> } = {}): Promise<Pipeline> {
  const spare = Array.from({ length: spares }, () => ({ first: 0, last: LAYERS - 1 }));
  network = await new TestNetwork([...cutLayers(LAYERS, 3), ...spare], { totalLayers: LAYERS, allHoldAll: true, ...options }).start();
  const candidates = network.route.map(({ peer, addresses }) => ({ peer, addresses }));
  const reroute = createReroute({ modelHash: MODEL, candidates: () => candidates, queryOffers: (request) => network.coordinator.queryOffers(request), timeoutMs: 300 });
  return openOn(network, { route: network.route.slice(0, 3), contextTokens: 4096, reroute, ...options.request });
}

const node = (index: number): PeerId => asPeerId(`node-${index}`);
const peers = (pipeline: Pipeline): string[] => pipeline.stages.map(({ peer }) => peer);

/** Everything that nobody holds is gone, what the last turns of the loop held included. */
async function collected(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 10; turn++) {
    await delay(0);
    collect();
  }
}

/** Reads an answer; `onToken` does harm on the way. */
async function answered(generation: Generation, onToken: (count: number) => void): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of generation) onToken(tokens.push(token));
  return tokens;
}

it('keeps nothing of the stages that went', async () => {
  const spares = 8;
  const pipeline = await start(spares);
  const past: WeakRef<object>[] = [];
  for (let loss = 0; loss < spares; loss++) {
    past.push(new WeakRef(pipeline.stages));
    const answer = pipeline.generate(ask());
    expect(await answered(answer, (count) => { if (count === 5) network.kill(pipeline.stages[loss % 3]!.peer); })).toEqual(await reference());
    expect((await answer.result).stats.failovers).toBe(1);
  }
  await collected();
  // The last may not be let go of yet.
  expect(past.filter((stages) => stages.deref() !== undefined).length).toBeLessThanOrEqual(1);
  await pipeline.close();
});

describe('an answer survives the loss of any stage, token for token', () => {
  for (const victim of [0, 1, 2]) {
    for (const [how, sampling] of [['greedy', GREEDY_SAMPLING], ['sampled', SEEDED]] as const) {
      it(`stage ${victim} in the middle of the answer (${how}): a spare node takes its layers`, async () => {
        const pipeline = await start(1);
        const generation = pipeline.generate(ask({ sampling, trace: true }));
        expect(await answered(generation, (count) => { if (count === 9) network.kill(node(victim)); })).toEqual(await reference({ sampling }));
        expect(peers(pipeline)).toEqual([0, 1, 2].map((stage) => node(stage === victim ? 3 : stage)));
        const { stats, trace } = await generation.result;
        expect(stats).toMatchObject({ failovers: 1, generatedTokens: 40 });
        // Neither the first token of the answer nor the first after the loss followed another one on its stage.
        expect(trace?.tokens.filter(({ gapUs }) => gapUs === undefined)).toHaveLength(2);
        expect(trace?.stages.map((stage) => stage?.peer)).toEqual(peers(pipeline));
        expect(stats.replayedTokens).toBeGreaterThanOrEqual(PROMPT.length + 9);
        await pipeline.close();
        await expectNoLeak(network, [victim]);
      });
    }

    it(`stage ${victim} in the middle of the prompt`, async () => {
      const pipeline = await start(1);
      let batches = 0;
      network.node(victim).onForward = () => { if (++batches === 2) network.kill(node(victim)); return undefined; };
      expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
      expect(peers(pipeline)).toContain(node(3));
    });

    it(`stage ${victim} while a session opens`, async () => {
      const pipeline = await start(1);
      network.intercept = ({ from }, frame) => {
        if (from === COORDINATOR && frame[AT.type] === FrameType.open) network.kill(node(victim));
        return frame;
      };
      expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    });

    it(`stage ${victim}, between two answers: the next one finds other stages`, async () => {
      const pipeline = await start(1);
      expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
      const rerouted = pipeline.events.once('rerouted');
      network.kill(node(victim));
      expect((await rerouted).stages.map(({ peer }) => peer)).toContain(node(3));
      expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    });

    it(`stage ${victim}, silently: frozen or cut off`, async () => {
      const pipeline = await start(1, { coordinator: QUICK, runner: QUICK });
      expect(await answered(pipeline.generate(ask()), (count) => { if (count === 3) network.freeze(node(victim)); })).toEqual(await reference());
      expect(peers(pipeline)).toContain(node(3));
    });

    it(`stage ${victim}, without a spare: one that already serves takes over`, async () => {
      const pipeline = await start(0);
      expect(await answered(pipeline.generate(ask()), (count) => { if (count === 5) network.kill(node(victim)); })).toEqual(await reference());
      expect(new Set(peers(pipeline))).toEqual(new Set([0, 1, 2].filter((stage) => stage !== victim).map(node)));
    });
  }

  it('whose new stage has no place at first, until one comes free there', async () => {
    const pipeline = await start(3, { runner: { maxSessionsPerEngine: 1 } });
    const [, , , b, a, c] = network.route;
    const ranges = cutLayers(LAYERS, 3);
    const route = [a, b, c].flatMap((stage, i) => (stage === undefined ? [] : [{ ...stage, layers: ranges[i] ?? stage.layers }]));
    const guest = await openOn(network, { route, contextTokens: 4096 });
    const held = guest.generate(ask({ maxTokens: 2000 }));
    await held[Symbol.asyncIterator]().next();
    let refusals = 0;
    network.intercept = ({ from }, frame) => {
      if (from === node(3) && frame[AT.type] === FrameType.error && ++refusals === 2) held.cancel();
      return frame;
    };
    expect(await answered(pipeline.generate(ask()), (count) => { if (count === 9) network.kill(node(1)); })).toEqual(await reference());
    expect(peers(pipeline)).toContain(node(3));
    expect(refusals).toBe(2);
    await guest.close();
    await pipeline.close();
  });

  it('two stages at once', async () => {
    const pipeline = await start(0);
    const kill = (count: number): void => { if (count === 5) for (const victim of [1, 2]) network.kill(node(victim)); };
    expect(await answered(pipeline.generate(ask()), kill)).toEqual(await reference());
    expect(new Set(peers(pipeline))).toEqual(new Set([node(0)]));
  });

  it('one after another, the replacements too', async () => {
    const pipeline = await start(3);
    const order = [1, 3, 0, 4];
    const kill = (count: number): void => { if (count % 8 === 0 && order.length > 0) network.kill(node(order.shift() ?? 0)); };
    const generation = pipeline.generate(ask());
    expect(await answered(generation, kill)).toEqual(await reference());
    expect((await generation.result).stats.failovers).toBe(4);
  });

  it('and that of the node that was to take over, while it loads', async () => {
    const pipeline = await start(2);
    network.node(3).onLoad = () => { network.kill(node(3)); return new Promise(() => undefined); };
    expect(await answered(pipeline.generate(ask()), (count) => { if (count === 5) network.kill(node(1)); })).toEqual(await reference());
    expect(peers(pipeline)).toEqual([0, 4, 2].map(node));
  });

  it('and a stage that sends garbage', async () => {
    const pipeline = await start(1);
    let count = 0;
    network.intercept = ({ from, to }, frame) => {
      const isRow = from === 'node-1' && to === 'node-2' && frame[AT.type] === FrameType.hidden;
      return isRow && ++count === 9 ? frame.subarray(0, frame.length - 1) : frame;
    };
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
    expect(peers(pipeline)).toEqual([0, 3, 2].map(node));
  });

  it('and an engine that crashes', async () => {
    const pipeline = await start(1);
    expect(await answered(pipeline.generate(ask()), (count) => { if (count === 4) network.node(1).engines[0]!.crash(new Error('worker exited')); })).toEqual(await reference());
    expect(peers(pipeline)).toEqual([0, 3, 2].map(node));
  });

  it('also on the only node there is, whose engine comes back', async () => {
    network = await new TestNetwork(cutLayers(LAYERS, 1), { allHoldAll: true }).start();
    const reroute = createReroute({ modelHash: MODEL, candidates: () => [], queryOffers: (request) => network.coordinator.queryOffers(request), timeoutMs: 300 });
    const pipeline = await openOn(network, { reroute });
    expect(await answered(pipeline.generate(ask()), (count) => { if (count === 4) network.node(0).engines[0]!.crash(new Error('worker exited')); })).toEqual(await reference());
    expect(network.node(0).engines).toHaveLength(2);
  });

  for (const victim of [0, 1, 2]) {
    it(`and stage ${victim} that becomes slow: another takes its place while it still answers`, async () => {
      const pipeline = await start(1, { coordinator: { heartbeatMs: 40 } });
      const lost = pipeline.events.once('stage:lost');
      let isSlow = false;
      // As fast as a test's model is, ten times slower must still be felt.
      for (const one of network.nodes) one.onForward = () => delay(one === network.node(victim) && isSlow ? 80 : 4);
      expect(await answered(pipeline.generate(ask()), (count) => { if (count === 15) isSlow = true; })).toEqual(await reference());
      expect((await lost).error).toMatchObject({ code: 'PIPELINE_STAGE_SLOW', meta: { stage: victim, peer: node(victim) } });
      expect(peers(pipeline)).not.toContain(node(victim));
    });
  }

  it('but a slow stage that nobody can replace stays', async () => {
    const pipeline = await start(0, { allHoldAll: false, coordinator: { heartbeatMs: 40 } });
    let isSlow = false;
    for (const one of network.nodes) one.onForward = () => delay(one === network.node(1) && isSlow ? 80 : 4);
    const generation = pipeline.generate(ask({ maxTokens: 24 }));
    expect(await answered(generation, (count) => { if (count === 15) isSlow = true; })).toEqual((await reference()).slice(0, 24));
    expect((await generation.result).stats.failovers).toBe(0);
  });

  it('of several answers at once, each', async () => {
    const pipeline = await start(1);
    const prompts = [PROMPT, PROMPT.subarray(0, 9), PROMPT.subarray(3)];
    const one = (promptTokens: Int32Array): Promise<number[]> => answered(pipeline.generate(ask({ promptTokens })), (count) => { if (count === 12) network.kill(node(1)); });
    expect(await Promise.all(prompts.map(one))).toEqual(await Promise.all(prompts.map((promptTokens) => reference({ promptTokens }))));
  });

  it('in the second turn of a conversation, the first of which is computed again', async () => {
    const pipeline = await start(1);
    const first = await ids(pipeline.generate(ask()));
    const promptTokens = Int32Array.from([...PROMPT, ...first.slice(0, 39), 9, 8, 7]);
    const generation = pipeline.generate(ask({ promptTokens }));
    expect(await answered(generation, (count) => { if (count === 6) network.kill(node(2)); })).toEqual(await reference({ promptTokens }));
    const { stats } = await generation.result;
    expect(stats.reusedTokens).toBe(62);
    expect(stats.replayedTokens).toBeGreaterThanOrEqual(71);
    const longer = Int32Array.from([...promptTokens, 5, 6]);
    const third = pipeline.generate(ask({ promptTokens: longer }));
    expect(await ids(third)).toEqual(await reference({ promptTokens: longer }));
    expect((await third.result).stats.reusedTokens).toBeGreaterThanOrEqual(62);
  });

  it('in a turn that goes on with the seed of the one before', async () => {
    const pipeline = await start(1);
    const first = await ids(pipeline.generate(ask({ sampling: SEEDED })));
    const promptTokens = Int32Array.from([...PROMPT, ...first, 9, 8, 7]);
    const generation = pipeline.generate(ask({ promptTokens, sampling: { ...SEEDED, seed: SEEDED.seed + 1 }, anySeed: true }));
    expect(await answered(generation, (count) => { if (count === 6) network.kill(node(2)); })).toEqual(await reference({ promptTokens, sampling: SEEDED }));
    expect((await generation.result).stats).toMatchObject({ failovers: 1 });
    expect(generation.reusedTokens).toBeGreaterThan(PROMPT.length);
  });

  it('100 times, at random places (seeded)', async () => {
    const expected = { greedy: await reference({ maxTokens: 60 }), sampled: await reference({ maxTokens: 60, sampling: SEEDED }) };
    let seed = 4711;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let run = 0; run < 100; run++) {
      const pipeline = await start(1 + random(3), { coordinator: QUICK, runner: QUICK });
      const [victim, at, isFrozen, how] = [random(3), 1 + random(58), random(10) === 0, random(2) === 0 ? 'greedy' as const : 'sampled' as const];
      const harm = (count: number): void => { if (count === at) isFrozen ? network.freeze(node(victim)) : network.kill(node(victim)); };
      const got = await answered(pipeline.generate(ask({ maxTokens: 60, sampling: how === 'greedy' ? GREEDY_SAMPLING : SEEDED })), harm);
      expect({ run, got }).toEqual({ run, got: expected[how] });
      await network.stop();
    }
    await start(0);
  });
});

describe('when nobody can take over', () => {
  const lost = async (generation: Generation, onToken: (count: number) => void): Promise<{ error: CodedError; tokens: number[] }> => {
    const tokens: number[] = [];
    const error = await (async () => { for await (const { token } of generation) onToken(tokens.push(token)); throw new TypeError('no error came'); })().catch((reason: CodedError) => reason);
    return { error, tokens };
  };

  it('the error says which stage and why, the answer so far is kept, nothing stays', async () => {
    const pipeline = await start(0, { allHoldAll: false });
    const { error, tokens } = await lost(pipeline.generate(ask()), (count) => { if (count === 9) network.kill(node(1)); });
    expect(error).toMatchObject({ code: 'PIPELINE_NOT_RECOVERED', retryable: true, meta: { stage: 1, peer: node(1), code: 'PIPELINE_NO_PLACEMENT', lossCode: 'PIPELINE_STAGE_LOST' } });
    expect(tokens.slice(0, 9)).toEqual((await reference()).slice(0, 9));
    expect(await pipeline.closed).toBe(error);
    await expectNoLeak(network, [1]);
  });

  it('a prompt that fails its stage again and again is given up', async () => {
    const pipeline = await start(2);
    for (const { runner } of network.nodes) void runner;
    for (let i = 0; i < 5; i++) network.node(i).onForward = () => Promise.reject(new Error('out of memory'));
    const { error } = await lost(pipeline.generate(ask()), () => undefined);
    expect(error).toMatchObject({ code: 'PIPELINE_STAGE_FAILED' });
  });

  it('an answer that is cancelled meanwhile ends as cancelled', async () => {
    const pipeline = await start(1);
    const cancel = new AbortController();
    network.node(3).onLoad = () => { cancel.abort(); return undefined; };
    const generation = pipeline.generate(ask({ signal: cancel.signal }));
    const tokens = await answered(generation, (count) => { if (count === 9) network.kill(node(1)); });
    expect((await generation.result).finishReason).toBe('cancelled');
    expect(tokens).toEqual((await reference()).slice(0, tokens.length));
    await until(() => peers(pipeline).includes(node(3)));
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
  });

  it('closing the pipeline meanwhile leaves nothing behind', async () => {
    const pipeline = await start(1);
    let closing: Promise<void> | undefined;
    network.node(3).onLoad = () => { closing = pipeline.close(); return undefined; };
    const generation = pipeline.generate(ask());
    await answered(generation, (count) => { if (count === 9) network.kill(node(1)); });
    await closing;
    expect((await generation.result).finishReason).toBe('cancelled');
    await expectNoLeak(network, [1]);
  });
});
