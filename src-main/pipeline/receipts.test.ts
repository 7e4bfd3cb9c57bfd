import { describe, expect, it } from 'vitest';
import { GREEDY } from '../inference/index.ts';
import { createReroute } from './failover/index.ts';
import type { AnswerReceipts } from './coordinator/answer-receipts.ts';
import type { Generation, GenerateRequest, GenerationResult } from './coordinator/generation.ts';
import type { Pipeline } from './coordinator/pipeline.ts';
import type { AnswerSigned } from './events.ts';
import { decodeReceipt, type Receipt } from './receipts/receipt.ts';
import { decodeReceiptsFile, encodeReceiptsFile, type ReceiptsFile } from './receipts/receipts-file.ts';
import { openReceiptSession, type ReceiptSession } from './receipts/receipt-session.ts';
import { FEATURES, FrameType, HEADER_BYTES } from './wire/constants.ts';
import { decodeFrame, encodeHeader } from './wire/frame.ts';
import { controlBytes, readControl } from './wire/schema.ts';
import { ask, cutLayers, ids, LAYERS, openOn, PROMPT, reference, stoppedAfterEach } from './testing/scenario.ts';
import { COORDINATOR, MODEL, TestNetwork, verifyTestSignature, type TestNetworkOptions } from './testing/test-network.ts';

let network: TestNetwork;
stoppedAfterEach(() => network);

const start = async (stages: number, options: TestNetworkOptions = {}): Promise<TestNetwork> => (network = await new TestNetwork(cutLayers(LAYERS, stages), { totalLayers: LAYERS, ...options }).start());

interface Answered extends GenerationResult {
  readonly tokens: readonly number[];
  readonly receipts: AnswerReceipts;
}

async function answer(pipeline: Pipeline, request: Partial<GenerateRequest> = {}): Promise<Answered> {
  const generation = pipeline.generate(ask({ receipts: true, ...request }));
  const tokens = await ids(generation);
  const result = await generation.result;
  if (result.receipts === undefined) throw new TypeError('no receipts');
  return { tokens, ...result, receipts: result.receipts };
}

const sessionOf = ({ receipts: { file } }: Answered): Promise<ReceiptSession> => {
  if (file === undefined) throw new TypeError('no file');
  return openReceiptSession(decodeReceiptsFile(encodeReceiptsFile(file), 'a file'), { name: 'a file', verifySignature: verifyTestSignature });
};
const shape = ({ windows }: ReceiptSession): string[] => windows.map(({ first, count, receipts }) => `${first}+${count} x ${receipts.length}`);
const receiptsOf = ({ receipts: { file } }: Answered): Receipt[] => (file?.receipts ?? []).map(({ body }) => decodeReceipt(body));

describe('the receipts of an answer', () => {
  it.each([1, 2, 4])('over %i stages are one per stage and window, signed by who did it, and agree', async (stages) => {
    const pipeline = await openOn(await start(stages));
    const answered = await answer(pipeline);
    expect(answered.tokens).toEqual(await reference());
    // 23 rows of the prompt, and all of the answer's 40 tokens but the last.
    const session = await sessionOf(answered);
    expect(shape(session)).toEqual([`0+32 x ${stages}`, `32+30 x ${stages}`]);
    expect(answered.receipts).toMatchObject({ perStage: Array.from({ length: stages }, () => 2), problems: [] });
    expect(session).toMatchObject({ modelHash: MODEL, greedy: true, promptLength: PROMPT.length, tokens: Int32Array.from([...PROMPT, ...answered.tokens]) });
    for (const { receipts } of session.windows) {
      expect(receipts.map(({ peer }) => peer)).toEqual(network.nodes.map(({ peer }) => peer));
      expect(receipts.slice(1).map(({ input }) => input)).toEqual(receipts.slice(0, -1).map(({ output }) => output));
      expect(receipts.at(-1)?.sampledTokens).toEqual(receipts[0]?.first === 0 ? answered.tokens.slice(0, 10) : answered.tokens.slice(10));
    }
    await pipeline.close();
  });

  it('agree where each boundary has a dtype of its own', async () => {
    await start(3);
    const sends = ['f32', 'f16', 'f16'] as const;
    const pipeline = await openOn(network, { route: network.route.map((stage, i) => ({ ...stage, sends: sends[i] ?? 'f32' })) });
    const answered = await answer(pipeline);
    expect(answered.receipts).toMatchObject({ problems: [], perStage: [2, 2, 2] });
    const session = await sessionOf(answered);
    expect(session.windows[0]?.receipts.map(({ takes, sends: own }) => [takes, own])).toEqual([['f32', 'f32'], ['f32', 'f16'], ['f16', 'f16']]);
    expect(session.ranges.map((range) => range.sends)).toEqual(['f32', 'f16', 'f16']);
    await pipeline.close();
  });

  it('are refused where rows travel in Q8, of which honest machines have unlike ones', async () => {
    const pipeline = await openOn(await start(2), { dtype: 'q8' });
    const generation = pipeline.generate(ask({ receipts: true }));
    await expect(ids(generation)).rejects.toMatchObject({ code: 'RECEIPT_NOT_IN_Q8', fault: 'user' });
    await expect(generation.result).rejects.toMatchObject({ code: 'RECEIPT_NOT_IN_Q8' });
    expect(await ids(pipeline.generate(ask({ maxTokens: 3 })))).toHaveLength(3);
    await pipeline.close();
  });

  it('are many where the answer is long', async () => {
    const pipeline = await openOn(await start(2), { contextTokens: 2048 });
    const answered = await answer(pipeline, { maxTokens: 1500 });
    // More windows than a frame takes.
    expect(answered.receipts).toMatchObject({ perStage: [48, 48], problems: [] });
    expect((await sessionOf(answered)).windows.at(-1)).toMatchObject({ first: 1504, count: PROMPT.length + 1499 - 1504 });
    await pipeline.close();
  });

  it('begin where a conversation goes on, and are of that run alone', async () => {
    const pipeline = await openOn(await start(3));
    const first = await answer(pipeline, { maxTokens: 20 });
    const second = await answer(pipeline, { promptTokens: Int32Array.from([...PROMPT, ...first.tokens, 5, 6, 7]), maxTokens: 10 });
    expect(second.stats.reusedTokens).toBeGreaterThan(PROMPT.length);
    const session = await sessionOf(second);
    expect(session.windows[0]?.first).toBe(second.stats.reusedTokens);
    expect(second.receipts).toMatchObject({ problems: [], perStage: [session.windows.length, session.windows.length, session.windows.length] });
    expect(session.session).toBe((await sessionOf(first)).session);
    await pipeline.close();
  });

  it('end with the rows that every stage is known to have, when the reader leaves', async () => {
    const pipeline = await openOn(await start(3));
    const generation = pipeline.generate(ask({ receipts: true, maxTokens: 200 }));
    let seen = 0;
    for await (const one of generation) if (one.position > 0 && ++seen === 30) break;
    const result = await generation.result;
    expect(result).toMatchObject({ finishReason: 'cancelled', receipts: { problems: [] } });
    const session = await sessionOf({ tokens: [], ...result, receipts: result.receipts as AnswerReceipts });
    const end = session.windows.reduce((most, { first, count }) => Math.max(most, first + count), 0);
    expect(end).toBe(session.tokens.length - 1);
    await pipeline.close();
  });

  it('are not waited for when the answer is cancelled, and an answer without them has none', async () => {
    const pipeline = await openOn(await start(2));
    const abort = new AbortController();
    const generation = pipeline.generate(ask({ receipts: true, signal: abort.signal }));
    for await (const one of generation) if (one.position > PROMPT.length) abort.abort();
    expect((await generation.result).receipts).toEqual({ file: undefined, windows: 0, perStage: [], signers: [], problems: ['the answer was given up before its end'] });
    const plain = pipeline.generate(ask());
    await ids(plain);
    expect(await plain.result).not.toHaveProperty('receipts');
    await pipeline.close();
  });

  it('cover the whole answer on the stages that ended it, when one was lost on the way', async () => {
    await start(3, { allHoldAll: true });
    const spare = [...network.route];
    const reroute = createReroute({ modelHash: MODEL, candidates: () => spare, queryOffers: (request) => network.coordinator.queryOffers(request), timeoutMs: 300 });
    const pipeline = await openOn(network, { reroute });
    const generation = pipeline.generate(ask({ receipts: true, maxTokens: 60 }));
    const tokens: number[] = [];
    for await (const { token } of generation) {
      tokens.push(token);
      if (tokens.length === 30) network.kill(network.node(1).peer);
    }
    const result = await generation.result;
    expect(tokens).toEqual(await reference({ maxTokens: 60 }));
    expect(result.stats.failovers).toBe(1);
    const answered: Answered = { tokens, ...result, receipts: result.receipts as AnswerReceipts };
    expect(answered.receipts.problems).toEqual([]);
    const session = await sessionOf(answered);
    expect(session.windows.map(({ first }) => first)).toEqual([0, 32, 64]);
    expect(new Set(receiptsOf(answered).map(({ session: id }) => id)).size).toBe(1);
    expect(receiptsOf(answered).some(({ peer }) => peer === network.node(1).peer)).toBe(false);
    await pipeline.close();
  });
});

describe('a stage', () => {
  it('that signs nothing is named, and the others\' receipts are kept', async () => {
    const pipeline = await openOn(await start(3, { silent: [1] }));
    const answered = await answer(pipeline);
    expect(answered.receipts.perStage).toEqual([2, 0, 2]);
    expect(answered.receipts.problems).toEqual([expect.stringMatching(/^stage 1 \(peer node-1, layers \S+\): it signs no receipts$/)]);
    expect(shape(await sessionOf(answered))).toEqual(['0+32 x 2', '32+30 x 2']);
    await pipeline.close();
  });

  it('whose signature is another\'s is named, and nothing of it is kept', async () => {
    const pipeline = await openOn(await start(3, { forge: (peer, bytes) => (peer === 'node-2' ? bytes.map((byte) => byte ^ 1) : bytes) }));
    const answered = await answer(pipeline);
    expect(answered.receipts).toMatchObject({ perStage: [2, 2, 0], problems: [expect.stringContaining('the receipt is not signed by peer node-2')] });
    await pipeline.close();
  });

  it('of an older version opens sessions as before, and is not asked', async () => {
    await start(2);
    const seen: number[] = [];
    network.intercept = ({ from, to }, frame) => {
      const decoded = decodeFrame(frame, from);
      if (to === 'node-1') seen.push(decoded.type);
      if (to === 'node-1' && decoded.type === FrameType.open) expect(readControl(decoded, FrameType.open, from)).not.toHaveProperty('receipts');
      return from === 'node-1' && decoded.type === FrameType.hello ? older(frame) : frame;
    };
    const pipeline = await openOn(network);
    const answered = await answer(pipeline);
    expect(answered.tokens).toEqual(await reference());
    expect(answered.receipts.perStage).toEqual([2, 0]);
    expect(seen).toContain(FrameType.open);
    expect(seen).not.toContain(FrameType.receiptsRequest);
    await pipeline.close();
  });

  it.each<[string, (payload: Uint8Array) => Uint8Array]>([
    ['half a receipt', (payload) => payload.subarray(0, payload.length - 10)], ['nothing', () => new Uint8Array(0)],
    ['the same twice', (payload) => Buffer.concat([payload, payload])], ['noise', (payload) => payload.map((byte, i) => (byte * 7 + i) & 0xff)],
  ])('that sends %s is named, and the answer stands', async (_what, change) => {
    await start(2);
    network.intercept = ({ from }, frame) => {
      const decoded = decodeFrame(frame, from);
      if (from !== 'node-1' || decoded.type !== FrameType.receipts) return frame;
      const payload = change(decoded.payload);
      return Buffer.concat([encodeHeader(decoded, { type: decoded.type, run: decoded.run, flags: decoded.flags }, payload), payload]);
    };
    const pipeline = await openOn(network);
    const answered = await answer(pipeline);
    expect(answered.tokens).toEqual(await reference());
    expect(answered.receipts.perStage).toEqual([2, 0]);
    expect(answered.receipts.problems).toEqual([expect.stringMatching(/stage 1 /)]);
    await pipeline.close();
  });

  it('that keeps silent costs the answer a while, nothing else', async () => {
    await start(2, { coordinator: { receiptsTimeoutMs: 50 } });
    network.intercept = ({ to }, frame) => (to === 'node-0' && decodeFrame(frame, to).type === FrameType.receiptsRequest ? undefined : frame);
    const pipeline = await openOn(network);
    const answered = await answer(pipeline);
    expect(answered.receipts).toMatchObject({ perStage: [0, 2], problems: [expect.stringMatching(/stage 0 .* did not sign its receipts within 50 ms/)] });
    await pipeline.close();
  });
});

describe('receipts of every answer of a pipeline', () => {
  const signedBy = (pipeline: Pipeline): AnswerSigned[] => {
    const told: AnswerSigned[] = [];
    pipeline.events.on('receipts', (signed) => void told.push(signed));
    return told;
  };
  const over = async (generation: Generation): Promise<GenerationResult> => {
    await ids(generation);
    return generation.result;
  };

  it('come after its end, which does not wait for them; what comes next in the session does', async () => {
    await start(2);
    const pipeline = await openOn(network, { receipts: true });
    const [engine] = network.node(0).engines;
    const [gate, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const take = engine?.takeWindows.bind(engine);
    if (engine === undefined || take === undefined) throw new TypeError('no engine');
    engine.takeWindows = async (slot, options) => {
      if (options.most > 0) asked.resolve();
      if (options.most > 0) await gate.promise;
      return take(slot, options);
    };
    const told = signedBy(pipeline);
    const known = network.nodes.map(({ runner }) => {
      const signed: string[] = [];
      runner.events.on('receipts:signed', ({ coordinator, receipts }) => signed.push(...receipts.map(({ signature }) => `${coordinator} ${Buffer.from(signature).toString('hex')}`)));
      return signed;
    });
    const answering = pipeline.generate(ask());
    const first = await over(answering);
    await asked.promise;
    expect([first.receipts, told]).toEqual([undefined, []]);
    // Of another sampling, and so in another session: the first one is not closed before its receipts are in.
    const other = over(pipeline.generate(ask({ sampling: { ...GREEDY, temperature: 0.8 }, maxTokens: 3 })));
    gate.resolve();
    expect((await other).receipts).toBeUndefined();
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(2);
    expect(told.map(({ receipts: { windows, perStage, problems }, stages }) => ({ windows, perStage, problems, peers: stages.map(({ peer }) => peer) })))
      .toEqual([2, 1].map((windows) => ({ windows, perStage: [windows, windows], problems: [], peers: ['node-0', 'node-1'] })));
    // Both sides know the same ones: the stages whom they signed them for, the coordinator who signed them.
    const signers = told.flatMap(({ receipts }) => receipts.signers);
    expect(network.nodes.map(({ peer }) => signers.flatMap((one) => (one.peer === peer ? one.receipts.map(({ signature }) => `${COORDINATOR} ${Buffer.from(signature).toString('hex')}`) : [])))).toEqual(known);
    expect(await answering.signed).toBe(told[0]?.receipts);
    expect((await openReceiptSession(told[0]?.receipts.file as ReceiptsFile, { name: 'it', verifySignature: verifyTestSignature })).windows.length).toBe(2);
    await pipeline.close();
  });

  it('are not missed of an answer that was given up, or where rows travel in Q8', async () => {
    const net = await start(2);
    for (const dtype of ['f16', 'q8'] as const) {
      const pipeline = await openOn(net, { receipts: true, dtype });
      const told = signedBy(pipeline);
      const stop = new AbortController();
      const generation = pipeline.generate(ask({ signal: stop.signal, maxTokens: 200 }));
      for await (const _ of generation) stop.abort();
      await generation.result;
      expect((await over(pipeline.generate(ask({ maxTokens: 3 })))).finishReason).toBe('length');
      if (dtype === 'f16') await expect.poll(() => told.length, { timeout: 20_000 }).toBe(1);
      await pipeline.close();
      expect(told.length).toBe(dtype === 'f16' ? 1 : 0);
    }
  });
});

function older(frame: Uint8Array): Uint8Array {
  const decoded = decodeFrame(frame, 'peer');
  const hello = readControl(decoded, FrameType.hello, 'peer');
  const payload = controlBytes(FrameType.hello, { ...hello, features: hello.features.filter((name) => name !== FEATURES.receipts) });
  expect(frame.length).toBeGreaterThan(HEADER_BYTES);
  return Buffer.concat([encodeHeader(decoded, { type: FrameType.hello }, payload), payload]);
}
