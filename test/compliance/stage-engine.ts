import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LayerRange } from '../../src-main/base/index.ts';
import { GREEDY, type ForwardItem, type SamplingOptions, type StageEngine } from '../../src-main/inference/index.ts';
import { decodeQ8, encodeQ8 } from '../../src-main/pipeline/testing/q8.ts';
import { only, StageChain } from './stage-chain.ts';

export interface StageRequest {
  readonly layers: LayerRange;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly contextTokens: number;
  readonly maxSessions: number;
  readonly batchTokens: number;
}

/** One kind of engine and a model to run on it. */
export interface EngineSubject {
  readonly name: string;
  readonly totalLayers: number;
  /** At least 12 tokens of the model. */
  readonly prompt: readonly number[];
  readonly load: (request: StageRequest) => Promise<StageEngine>;
}

const CONTEXT_TOKENS = 64;
const BATCH_TOKENS = 16;
const ANSWER_TOKENS = 16;
const WARM: SamplingOptions = { ...GREEDY, temperature: 1.5, seed: 7 };

/** What every StageEngine must do, whatever it computes with. */
export function stageEngineCompliance(subject: EngineSubject): void {
  const { prompt, totalLayers } = subject;
  const middle = Math.floor(totalLayers / 2);
  const load = (first: number, last: number): Promise<StageEngine> =>
    subject.load({ layers: { first, last }, isFirst: first === 0, isLast: last === totalLayers - 1, contextTokens: CONTEXT_TOKENS, maxSessions: 2, batchTokens: BATCH_TOKENS });

  describe(`stage engine: ${subject.name}`, () => {
    let whole: StageEngine;
    let front: StageEngine;
    let back: StageEngine;
    let one: StageChain;
    let two: StageChain;
    beforeAll(async () => {
      [whole, front, back] = [await load(0, totalLayers - 1), await load(0, middle - 1), await load(middle, totalLayers - 1)];
      [one, two] = [new StageChain([whole]), new StageChain([front, back])];
    });
    afterAll(async () => {
      for (const engine of [whole, front, back]) await engine?.dispose();
    });

    const answer = async (chain: StageChain, sampling: SamplingOptions = GREEDY, words = prompt): Promise<number[]> => {
      const session = await chain.open(sampling);
      try {
        return await session.generate(words, ANSWER_TOKENS);
      } finally {
        await session.close();
      }
    };
    const tokenItem = (session: number, position: number, tokens: readonly number[]): ForwardItem =>
      ({ session, position, input: { kind: 'tokens', tokens: Int32Array.from(tokens) }, want: { kind: 'sample' } });
    const withSession = async (engine: StageEngine, use: (session: number) => Promise<void>): Promise<void> => {
      const session = await engine.open(GREEDY);
      await use(session).finally(() => engine.close(session));
    };

    it('says what it holds', () => {
      expect(front.info.layers).toEqual({ first: 0, last: middle - 1 });
      expect(back.info).toMatchObject({ hiddenSize: front.info.hiddenSize, contextTokens: CONTEXT_TOKENS, architecture: front.info.architecture });
      expect(front.info.weightBytes).toBeGreaterThan(0);
      expect(whole.info.vocabSize).toBeGreaterThan(Math.max(...prompt));
    });

    it('gives the same tokens in one stage and in two', async () => {
      const tokens = await answer(one);
      expect(new Set(tokens).size).toBeGreaterThan(1);
      expect(await answer(two)).toEqual(tokens);
    });

    it('answers anew in a slot that was used before', async () => {
      const first = await answer(two);
      await answer(two, GREEDY, [...prompt].reverse());
      expect(await answer(two)).toEqual(first);
    });

    it('keeps sessions apart when their steps alternate', async () => {
      const prompts = [prompt, [...prompt].reverse()];
      const alone = [await answer(two, GREEDY, prompts[0]), await answer(two, GREEDY, prompts[1])];
      const sessions = [await two.open(GREEDY), await two.open(GREEDY)];
      const together: number[][] = [[], []];
      for (let step = 0; step < ANSWER_TOKENS; step++) {
        for (const [i, session] of sessions.entries()) {
          const last = together[i]?.at(-1);
          together[i]?.push((await session.step(last === undefined ? (prompts[i] ?? []) : [last])).token);
        }
      }
      for (const session of sessions) await session.close();
      expect(together).toEqual(alone);
    });

    it('runs a batch that mixes sessions', async () => {
      const [a, b] = [await whole.open(GREEDY), await whole.open(GREEDY)];
      const prompts = [prompt.slice(0, BATCH_TOKENS / 2), prompt.slice(-BATCH_TOKENS / 2)];
      const items = [tokenItem(a, 0, prompts[0] ?? []), tokenItem(b, 0, prompts[1] ?? [])];
      const { outputs } = await whole.forward(items).finally(async () => { await whole.close(a); await whole.close(b); });
      const expected = [(await answer(one, GREEDY, prompts[0]))[0], (await answer(one, GREEDY, prompts[1]))[0]];
      expect(outputs.map((output) => (output.kind === 'sampled' ? output.token : output.kind))).toEqual(expected);
    });

    it('computes the same after a rollback', async () => {
      const session = await two.open(GREEDY);
      const first = await session.generate(prompt, ANSWER_TOKENS);
      await session.rollback(prompt.length + 3);
      expect(await session.generate(first.slice(3, 4), ANSWER_TOKENS - 4)).toEqual(first.slice(4));
      await session.rollback(0);
      expect(await session.generate(prompt, ANSWER_TOKENS)).toEqual(first);
      await session.close();
    });

    it('draws the same tokens for the same seed, others for another, and the same after a rollback', async () => {
      const tokens = await answer(two, WARM);
      expect(await answer(two, WARM)).toEqual(tokens);
      expect(await answer(one, WARM)).toEqual(tokens);
      expect(await answer(two, { ...WARM, seed: 8 })).not.toEqual(tokens);
      const session = await two.open(WARM);
      await session.generate(prompt, 8);
      await session.rollback(prompt.length + 2);
      expect(await session.generate(tokens.slice(2, 3), 4)).toEqual(tokens.slice(3, 7));
      await session.close();
    });

    it('keeps windows of what passed, where that is asked for: of the rows that stayed, once, in portions', async () => {
      const session = await whole.open(GREEDY, { record: 'f32' });
      const tokens: number[] = [];
      const next = async (fed: readonly number[]): Promise<number> => {
        const output = await only(whole, tokenItem(session, tokens.length, fed));
        tokens.push(...fed);
        return output.kind === 'sampled' ? output.token : -1;
      };
      const sampled = [await next(prompt.slice(0, 12))];
      while (tokens.length < 40) sampled.push(await next(sampled.slice(-1)));
      await whole.rollback(session, 36);
      const [first, ...more] = await whole.takeWindows(session, { end: 35, most: 1 });
      expect(more).toEqual([]);
      expect(first).toMatchObject({ first: 0, count: 32, tokens: Int32Array.from(tokens.slice(0, 32)), sampled: Int32Array.from(sampled.slice(0, 21)) });
      expect(first).not.toHaveProperty('input');
      const [second] = await whole.takeWindows(session, { end: 35, most: 9 });
      expect(second).toMatchObject({ first: 32, count: 3, tokens: Int32Array.from(tokens.slice(32, 35)), sampled: Int32Array.from(sampled.slice(21, 24)) });
      expect(await whole.takeWindows(session, { end: 100, most: 9 })).toEqual([]);
      await whole.close(session);
      await withSession(whole, async (other) => {
        await whole.forward([tokenItem(other, 0, prompt.slice(0, 12))]);
        expect(await whole.takeWindows(other, { end: 100, most: 9 })).toEqual([]);
      });
      await expect(whole.takeWindows(session, { end: 100, most: 9 })).rejects.toMatchObject({ code: 'ENGINE_NO_SESSION' });
    });

    it('reports the likeliest tokens when asked, none when not', async () => {
      const session = await one.open({ ...GREEDY, topLogprobs: 3 });
      const { token, logprob, top } = await session.step(prompt);
      await session.close();
      expect(top).toHaveLength(3);
      expect(top[0]).toEqual({ token, logprob });
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top.map((entry) => entry.logprob)).toEqual(top.map((entry) => entry.logprob).toSorted((x, y) => y - x));
    });

    it('fills the cache without an output', async () => {
      const [first] = await answer(one);
      await withSession(whole, async (session) => {
        expect(await only(whole, { ...tokenItem(session, 0, prompt.slice(0, -1)), want: { kind: 'none' } })).toEqual({ kind: 'none' });
        expect(await only(whole, tokenItem(session, prompt.length - 1, prompt.slice(-1)))).toMatchObject({ token: first });
      });
    });

    it('gives F16 rows that are the F32 rows, rounded', async () => {
      const rows = async (dtype: 'f32' | 'f16'): Promise<Uint8Array> => {
        let data = new Uint8Array();
        await withSession(front, async (session) => {
          const output = await only(front, { ...tokenItem(session, 0, prompt), want: { kind: 'hidden', dtype } });
          if (output.kind === 'hidden') data = Uint8Array.from(output.data);
          expect(output).toMatchObject({ kind: 'hidden', dtype, rows: prompt.length });
        });
        return data;
      };
      const exact = new Float32Array((await rows('f32')).buffer);
      const half = new DataView((await rows('f16')).buffer);
      expect(exact).toHaveLength(prompt.length * front.info.hiddenSize);
      expect(Array.from(exact, (_, i) => half.getFloat16(2 * i, true))).toEqual(Array.from(exact, Math.f16round));
    });

    it('gives Q8 rows that are the F32 rows in blocks, bit for bit as they are written down', async () => {
      const rows = async (dtype: 'f32' | 'q8'): Promise<Uint8Array> => {
        let data = new Uint8Array();
        await withSession(front, async (session) => {
          const output = await only(front, { ...tokenItem(session, 0, prompt), want: { kind: 'hidden', dtype } });
          if (output.kind === 'hidden') data = Uint8Array.from(output.data);
        });
        return data;
      };
      expect(await rows('q8')).toEqual(encodeQ8(new Float32Array((await rows('f32')).buffer), front.info.hiddenSize));
    });

    it('reads Q8 rows as what they stand for', async () => {
      const values = Float32Array.from({ length: 3 * back.info.hiddenSize }, (_, i) => Math.sin(i));
      const q8 = encodeQ8(values, back.info.hiddenSize);
      const f32 = new Uint8Array(decodeQ8(q8, back.info.hiddenSize).buffer);
      const sampled = async (dtype: 'f32' | 'q8', data: Uint8Array): Promise<unknown> => {
        const session = await back.open({ ...GREEDY, topLogprobs: 3 });
        return only(back, { session, position: 0, input: { kind: 'hidden', dtype, rows: 3, data }, want: { kind: 'sample' } }).finally(() => back.close(session));
      };
      expect(await sampled('q8', q8)).toEqual(await sampled('f32', f32));
    });

    it.each(['f16', 'q8'] as const)('carries an answer over %s rows', async (dtype) => {
      expect(await answer(new StageChain([front, back], dtype))).toHaveLength(ANSWER_TOKENS);
    });

    it('refuses a third session until one is closed', async () => {
      const [a, b] = [await whole.open(GREEDY), await whole.open(GREEDY)];
      await expect(whole.open(GREEDY)).rejects.toMatchObject({ code: 'ENGINE_SESSIONS_FULL' });
      await whole.close(a);
      expect(await whole.open(GREEDY)).toBe(a);
      await whole.close(a);
      await whole.close(b);
    });

    it('names what is wrong with a call, and goes on', async () => {
      const [first] = await answer(one);
      await withSession(whole, async (session) => {
        const code = (item: ForwardItem): Promise<unknown> => whole.forward([item]).then(() => 'none', (error: unknown) => (error as { code?: string }).code);
        const hidden = { kind: 'hidden', dtype: 'f32', rows: 1, data: new Uint8Array(4 * whole.info.hiddenSize) } as const;
        expect(await code(tokenItem(session + 1, 0, prompt))).toBe('ENGINE_NO_SESSION');
        expect(await code(tokenItem(session, 3, prompt))).toBe('ENGINE_BAD_POSITION');
        expect(await code(tokenItem(session, 0, []))).toBe('ENGINE_BAD_ARGUMENT');
        expect(await code(tokenItem(session, 0, Array.from({ length: BATCH_TOKENS + 1 }, () => prompt[0] ?? 0)))).toBe('ENGINE_BAD_ARGUMENT');
        expect(await code(tokenItem(session, 0, [whole.info.vocabSize]))).toBe('ENGINE_BAD_TOKEN');
        expect(await code(tokenItem(session, 0, [-1]))).toBe('ENGINE_BAD_TOKEN');
        expect(await code({ ...tokenItem(session, 0, prompt), input: hidden })).toBe('ENGINE_BAD_ARGUMENT');
        expect(await code({ ...tokenItem(session, 0, prompt), want: { kind: 'hidden', dtype: 'f32' } })).toBe('ENGINE_BAD_ARGUMENT');
        await expect(whole.rollback(session, 1)).rejects.toMatchObject({ code: 'ENGINE_BAD_POSITION' });
        expect(await only(whole, tokenItem(session, 0, prompt))).toMatchObject({ token: first });
      });
      await expect(whole.close(0)).rejects.toMatchObject({ code: 'ENGINE_NO_SESSION' });
    });

    it('refuses hidden states of the wrong length', async () => {
      await withSession(back, async (session) => {
        const data = new Uint8Array(4 * back.info.hiddenSize - 4);
        await expect(back.forward([{ session, position: 0, input: { kind: 'hidden', dtype: 'f32', rows: 1, data }, want: { kind: 'sample' } }])).rejects.toMatchObject({ code: 'ENGINE_BAD_ARGUMENT' });
      });
    });

    it('says when the context is full', async () => {
      await withSession(whole, async (session) => {
        const rows = Array.from({ length: BATCH_TOKENS }, () => prompt[0] ?? 0);
        for (let position = 0; position < CONTEXT_TOKENS; position += BATCH_TOKENS) await only(whole, tokenItem(session, position, rows));
        await expect(whole.forward([tokenItem(session, CONTEXT_TOKENS, prompt.slice(0, 1))])).rejects.toMatchObject({ code: 'ENGINE_CONTEXT_FULL' });
      });
    });

    it('ends calls in flight and later ones when it is disposed of', async () => {
      const engine = await load(0, totalLayers - 1);
      const session = await engine.open(GREEDY);
      const waiting = Promise.allSettled([engine.forward([tokenItem(session, 0, prompt)]), engine.forward([tokenItem(session, prompt.length, prompt)])]);
      await Promise.all([engine.dispose(), engine.dispose()]);
      const [, second] = await waiting;
      expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ENGINE_DISPOSED' } });
      await expect(engine.open(GREEDY)).rejects.toMatchObject({ code: 'ENGINE_DISPOSED' });
    });
  });
}
