import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asPeerId, noMetrics, silentLogger, systemClock, type CodedError, type LayerRange } from '../base/index.ts';
import { createCoordinator } from './coordinator/coordinator.ts';
import type { GeneratedToken, Generation } from './coordinator/generation.ts';
import type { StageAssignment } from './ports.ts';
import { ask, cutLayers, expectNoLeak, ids, LAYERS, openOn, reference, stoppedAfterEach, until } from './testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork, type TestNetworkOptions } from './testing/test-network.ts';
import { AT, FrameType } from './wire/constants.ts';
import { encodeHeader, newSessionId } from './wire/frame.ts';
import { StageLink } from './wire/link.ts';

const QUICK = { heartbeatMs: 25, heartbeatTimeoutMs: 300 };
const LONG = { maxTokens: 90_000 };
let network: TestNetwork;
stoppedAfterEach(() => network);

const start = async (stages: number, options: TestNetworkOptions = {}): Promise<TestNetwork> => (network = await new TestNetwork(cutLayers(LAYERS, stages), options).start());
const error = (promise: Promise<unknown>): Promise<CodedError> => promise.then(() => { throw new Error('no error came'); }, (reason: CodedError) => reason);

/** Reads until the error; returns it with what was received before. */
async function failed(generation: Generation, onToken: (count: number) => void = () => undefined): Promise<{ error: CodedError; tokens: number[] }> {
  const tokens: number[] = [];
  const reading = (async () => { for await (const { token } of generation as AsyncIterable<GeneratedToken>) onToken(tokens.push(token)); })();
  return { error: await error(reading), tokens };
}

const names = (stage: number): object => ({ stage, peer: `node-${stage}`, layers: cutLayers(LAYERS, 3)[stage] });

describe('the death of any stage in any phase names it and leaves nothing behind', () => {
  for (const victim of [0, 1, 2]) {
    const peer = asPeerId(`node-${victim}`);

    it(`stage ${victim}, before it is reached`, async () => {
      await start(3);
      network.kill(peer);
      expect(await error(openOn(network))).toMatchObject({ code: 'PIPELINE_STAGE_LOST', fault: 'peer', meta: names(victim) });
      await expectNoLeak(network, [victim]);
    });

    it(`stage ${victim}, while loading`, async () => {
      await start(3);
      network.node(victim).onLoad = () => { network.kill(peer); return new Promise(() => undefined); };
      expect(await error(openOn(network))).toMatchObject({ code: 'PIPELINE_STAGE_LOST', meta: names(victim) });
      await expectNoLeak(network, [victim]);
    });

    it(`stage ${victim}, while a session opens`, async () => {
      await start(3);
      const pipeline = await openOn(network);
      network.intercept = ({ from }, frame) => {
        if (from === COORDINATOR && frame[AT.type] === FrameType.open) network.kill(peer);
        return frame;
      };
      expect(await error(ids(pipeline.generate(ask())))).toMatchObject({ code: 'PIPELINE_STAGE_LOST', meta: names(victim) });
      expect(await pipeline.closed).toMatchObject({ meta: names(victim) });
      await expectNoLeak(network, [victim]);
    });

    it(`stage ${victim}, in the middle of the prompt`, async () => {
      await start(3);
      const pipeline = await openOn(network);
      let batches = 0;
      network.node(victim).onForward = () => { if (++batches === 2) network.kill(peer); return undefined; };
      const { error: reason, tokens } = await failed(pipeline.generate(ask()));
      expect(reason).toMatchObject({ code: 'PIPELINE_STAGE_LOST', retryable: true, meta: names(victim) });
      expect(tokens).toEqual([]);
      await expectNoLeak(network, [victim]);
    });

    it(`stage ${victim}, in the middle of the answer, of which the part received is kept`, async () => {
      await start(3);
      const pipeline = await openOn(network, { contextTokens: 100_000 });
      const { error: reason, tokens } = await failed(pipeline.generate(ask(LONG)), (count) => { if (count === 9) network.kill(peer); });
      expect(reason).toMatchObject({ code: 'PIPELINE_STAGE_LOST', meta: names(victim) });
      expect(tokens.length).toBeGreaterThanOrEqual(9);
      expect(tokens.slice(0, 9)).toEqual((await reference()).slice(0, 9));
      await expectNoLeak(network, [victim]);
    });

    it(`stage ${victim}, silently: frozen or cut off`, async () => {
      await start(3, { coordinator: QUICK, runner: QUICK });
      const pipeline = await openOn(network, { contextTokens: 100_000 });
      const { error: reason } = await failed(pipeline.generate(ask(LONG)), (count) => { if (count === 3) network.freeze(peer); });
      expect(reason).toMatchObject({ code: 'PIPELINE_STAGE_LOST', meta: names(victim) });
    });
  }
});

describe('a stage that cannot do its work says why', () => {
  it('when loading fails', async () => {
    await start(3);
    network.node(1).onLoad = () => Promise.reject(new Error('disk is gone'));
    expect(await error(openOn(network))).toMatchObject({ code: 'PIPELINE_STAGE_FAILED', message: expect.stringContaining('disk is gone'), meta: names(1) });
    await expectNoLeak(network);
  });

  it('when loading makes no progress', async () => {
    await start(3, { coordinator: { loadTimeoutMs: 60 } });
    network.node(2).onLoad = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    expect(await error(openOn(network))).toMatchObject({ code: 'PIPELINE_STAGE_TIMEOUT', meta: { ...names(2), phase: 'load its layers' } });
    await expectNoLeak(network);
  });

  it('but not while progress is reported', async () => {
    await start(2, { coordinator: { loadTimeoutMs: 120 } });
    const startedMs = performance.now();
    network.node(1).onLoad = ({ onProgress }) => new Promise((resolve) => {
      const timer = setInterval(() => {
        onProgress(1, 2);
        if (performance.now() - startedMs < 300) return;
        clearInterval(timer);
        resolve();
      }, 10);
    });
    const phases: string[] = [];
    const pipeline = await openOn(network, { onProgress: ({ stage, phase }) => phases.push(`${stage.stage} ${phase}`) });
    expect(phases).toContain('1 loading');
    expect(pipeline.stages.map(({ bytesLoaded }) => bytesLoaded)).toEqual([4000, 4000]);
  });

  it('when it has no session left', async () => {
    await start(2, { runner: { maxSessionsPerEngine: 1 } });
    const [one, two] = [await openOn(network), await openOn(network)];
    expect(await ids(one.generate(ask({ maxTokens: 2 })))).toHaveLength(2);
    expect(await error(ids(two.generate(ask())))).toMatchObject({ code: 'PIPELINE_STAGE_REFUSED', retryable: true, meta: { code: 'PIPELINE_STAGE_BUSY' } });
    await one.close();
    await until(() => network.node(1).engines[0]!.openSessions === 0);
    expect(await ids(two.generate(ask({ maxTokens: 2 })))).toHaveLength(2);
    expect(network.node(0).engines).toHaveLength(1);
  });

  it('when its owner does not allow the peer', async () => {
    await start(2, { authorize: () => false });
    expect(await error(openOn(network))).toMatchObject({ code: 'PIPELINE_STAGE_REFUSED', meta: { code: 'PIPELINE_NOT_ALLOWED' } });
  });

  it('when it was not given the layers', async () => {
    await start(2, { totalLayers: LAYERS });
    const [first, second] = network.route;
    const route = [{ ...first!, layers: { first: 0, last: 5 } }, { ...second!, layers: { first: 6, last: 7 } }];
    expect(await error(openOn(network, { route }))).toMatchObject({ code: 'PIPELINE_STAGE_REFUSED', meta: { code: 'PIPELINE_LAYERS_NOT_HELD' } });
    expect(network.nodes.flatMap(({ engines }) => engines)).toEqual([]);
  });

  it('when its engine crashes', async () => {
    await start(3);
    const pipeline = await openOn(network, { contextTokens: 100_000 });
    const { error: reason } = await failed(pipeline.generate(ask(LONG)), (count) => { if (count === 4) network.node(1).engines[0]!.crash(new Error('worker exited')); });
    expect(reason).toMatchObject({ code: 'PIPELINE_STAGE_FAILED', meta: { ...names(1), code: 'PIPELINE_ENGINE_LOST' } });
    await pipeline.close();
    await expectNoLeak(network);
  });

  it('when one batch fails; the next answer is right again', async () => {
    await start(3);
    const pipeline = await openOn(network);
    network.node(2).onForward = () => Promise.reject(new Error('out of memory'));
    expect((await failed(pipeline.generate(ask()))).error).toMatchObject({ code: 'PIPELINE_STAGE_FAILED', meta: names(2) });
    network.node(2).onForward = () => undefined;
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
  });

  it('when it computes for ever although it answers pings', async () => {
    await start(3, { coordinator: { ...QUICK, tokenTimeoutMs: 400 } });
    const pipeline = await openOn(network);
    network.node(1).onForward = () => new Promise(() => undefined);
    expect((await failed(pipeline.generate(ask()))).error).toMatchObject({ code: 'PIPELINE_STAGE_TIMEOUT', meta: names(1) });
  });

  it('but a slow stage is not a dead one', async () => {
    await start(3, { coordinator: QUICK, runner: QUICK });
    const pipeline = await openOn(network);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 3 * QUICK.heartbeatTimeoutMs);
    network.node(1).onForward = () => promise;
    expect(await ids(pipeline.generate(ask()))).toEqual(await reference());
  });
});

describe('bad frames', () => {
  const spoil: Record<string, (frame: Uint8Array) => Uint8Array> = {
    'a wrong checksum': (frame) => { const bad = Buffer.from(frame); bad[bad.length - 1]! ^= 1; return bad; },
    'a truncated tensor': (frame) => frame.subarray(0, frame.length - 1),
    garbage: () => randomBytes(300),
    nothing: () => new Uint8Array(0),
  };
  for (const [what, change] of Object.entries(spoil)) {
    it(`${what} from stage 1 to stage 2 names stage 1`, async () => {
      await start(3);
      const pipeline = await openOn(network);
      network.intercept = ({ from, to }, frame) => (from === 'node-1' && to === 'node-2' && frame[AT.type] === FrameType.hidden ? change(frame) : frame);
      expect((await failed(pipeline.generate(ask()))).error).toMatchObject({ code: 'PIPELINE_STAGE_MISBEHAVED', fault: 'peer', meta: names(1) });
      await pipeline.close();
      await expectNoLeak(network);
    });

    it(`${what} from the last stage to the coordinator names it`, async () => {
      await start(3);
      const pipeline = await openOn(network);
      network.intercept = ({ from, to }, frame) => (from === 'node-2' && to === COORDINATOR && frame[AT.type] === FrameType.token ? change(frame) : frame);
      expect((await failed(pipeline.generate(ask()))).error).toMatchObject({ code: 'PIPELINE_STAGE_MISBEHAVED', meta: names(2) });
      await expectNoLeak(network);
    });
  }

  it('a frame that comes twice is out of step', async () => {
    await start(3);
    const pipeline = await openOn(network);
    let once = false;
    network.intercept = ({ from, to }, frame) => {
      if (once || from !== 'node-0' || to !== 'node-1' || frame[AT.type] !== FrameType.hidden) return frame;
      once = true;
      const again = Buffer.from(frame);
      // Kept valid but for its position.
      return encodeAgain(again);
    };
    expect((await failed(pipeline.generate(ask()))).error).toMatchObject({ code: 'PIPELINE_STAGE_MISBEHAVED', meta: { ...names(0), code: 'PIPELINE_OUT_OF_STEP' } });
  });

  it('a stranger cannot feed a session, nor close it', async () => {
    await start(2);
    const pipeline = await openOn(network, { contextTokens: 100_000 });
    const answers: number[] = [];
    let session = newSessionId();
    network.intercept = (_way, frame) => {
      if (frame[AT.type] === FrameType.open) session = Buffer.from(frame).toString('hex', AT.session, AT.session + 16) as typeof session;
      return frame;
    };
    const stream = await network.connectFrom(asPeerId('stranger'))(asPeerId('node-0'), [], {});
    const link = new StageLink({ stream, clock: systemClock, role: 'stage', onFrame: (frame) => answers.push(frame.type), onEnd: () => undefined });
    const generation = pipeline.generate(ask({ maxTokens: 300 }));
    let count = 0;
    for await (const _ of generation) {
      if (++count !== 5) continue;
      link.post({ session, stage: 0 }, { type: FrameType.close });
      link.post({ session, stage: 0 }, { type: FrameType.stop, run: 1 });
    }
    expect(count).toBe(300);
    await until(() => answers.length === 2);
    expect(answers).toEqual([FrameType.closed, FrameType.error]);
    link.close();
  });
});

const encodeAgain = (frame: Buffer): Uint8Array => {
  const payload = frame.subarray(64);
  const header = encodeHeader({ session: frame.toString('hex', AT.session, AT.session + 16) as ReturnType<typeof newSessionId>, stage: frame.readUInt16LE(AT.stage) }, {
    type: FrameType.hidden, flags: frame.readUInt16LE(AT.flags) & 1, run: frame.readUInt32LE(AT.run), position: frame.readUInt32LE(AT.position) + 1, rows: frame.readUInt32LE(AT.rows),
    hiddenSize: frame.readUInt32LE(AT.hiddenSize), dtype: 'f16',
  }, payload);
  return Buffer.concat([header, payload]);
};

describe('the coordinator', () => {
  it('that dies ends its sessions on every stage, mid-answer', async () => {
    await start(3);
    const pipeline = await openOn(network, { contextTokens: 100_000 });
    const generation = pipeline.generate(ask(LONG));
    const { error: reason } = await failed(generation, (count) => { if (count === 5) network.kill(COORDINATOR); });
    expect(reason.code).toBe('PIPELINE_STAGE_LOST');
    await expectNoLeak(network);
  });

  it('that falls silent is dropped by every stage', async () => {
    await start(3, { runner: QUICK, coordinator: { heartbeatMs: 60_000, heartbeatTimeoutMs: 600_000 } });
    const pipeline = await openOn(network, { contextTokens: 100_000 });
    const closed = Promise.all(network.nodes.map(({ runner }) => runner.events.once('session:closed')));
    const generation = pipeline.generate(ask(LONG));
    generation.result.catch(() => undefined);
    for await (const { position } of generation) if (position === 40) break;
    network.freeze(COORDINATOR);
    await closed;
    expect(network.nodes.map(({ runner }) => runner.counts.sessions)).toEqual([0, 0, 0]);
    await pipeline.close();
  });

  it('that gives up while a stage dials another holds no place on its engine', async () => {
    const [first, last] = cutLayers(LAYERS, 2) as [LayerRange, LayerRange];
    network = await new TestNetwork([first, last, last], { totalLayers: LAYERS, runner: { maxSessionsPerEngine: 1, idleUnloadMs: 60_000 } }).start();
    const [a, b, c] = network.route as [StageAssignment, StageAssignment, StageAssignment];
    const dialled = Promise.withResolvers<undefined>();
    const silence = Promise.withResolvers<undefined>();
    network.onDial = (from, to) => {
      if (from !== a.peer || to !== b.peer) return undefined;
      dialled.resolve(undefined);
      return silence.promise;
    };
    const stuck = await openOn(network, { route: [a, b] });
    const waiting = ids(stuck.generate(ask()));
    await dialled.promise;
    await stuck.close();
    expect(await waiting).toEqual([]);
    const other = await openOn(network, { route: [a, c] });
    expect(await ids(other.generate(ask()))).toEqual(await reference());
    silence.resolve(undefined);
    await other.close();
  });

  it('that is cancelled while stages load lets go of them', async () => {
    await start(3);
    const cancel = new AbortController();
    network.node(1).onLoad = ({ signal }) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      cancel.abort();
    });
    expect(await error(openOn(network, { signal: cancel.signal }))).toMatchObject({ code: 'PIPELINE_CANCELLED', fault: 'user' });
    await expectNoLeak(network);
  });

  it('refuses a route with a gap, and a stage that never accepts', async () => {
    await start(2);
    expect(await error(openOn(network, { route: network.route.slice(1) }))).toMatchObject({ code: 'PIPELINE_BAD_ROUTE' });
    const deaf = createCoordinator({ connect: () => new Promise(() => undefined), logger: silentLogger, metrics: noMetrics, clock: systemClock }, { connectTimeoutMs: 30 });
    expect(await error(deaf.openPipeline({ route: network.route, modelHash: MODEL, contextTokens: 16, batchTokens: 4, dtype: 'f16' }))).toMatchObject({ code: 'PIPELINE_STAGE_TIMEOUT', meta: { phase: 'accept a stream' } });
  });

  it('learns what a peer offers', async () => {
    await start(2);
    expect(await network.coordinator.queryOffers({ peer: asPeerId('node-1'), addresses: [] })).toEqual([
      { modelHash: MODEL, architecture: 'tiny', totalLayers: 8, hiddenSize: 4, shards: [{ layers: { first: 4, last: 7 }, sizeBytes: 1000 }] },
    ]);
  });
});
