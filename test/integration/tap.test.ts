import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { GREEDY, type ActivationDtype, type StageEngine, type StageInput } from '../../src-main/inference/index.ts';
import { windowFields, type WindowFields } from '../../src-main/pipeline/index.ts';
import { WindowRecorder } from '../../src-main/pipeline/testing/window-recorder.ts';
import { only } from '../compliance/stage-chain.ts';
import { inProcess, inWorker, stagesOf } from '../compliance/stage-subjects.ts';
import { generateModel, type GenerateOptions } from '../support/models/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-tap-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const RANGES = [{ first: 0, last: 1 }, { first: 2, last: 2 }, { first: 3, last: 5 }];
const SIZES = { contextTokens: 256, maxSessions: 2, batchTokens: 48 };
const ALL = { end: 256, most: 100 };
/** Without times. */
const compared = ({ startedMs, endedMs, ...rest }: WindowFields): unknown => {
  expect(startedMs).toBeGreaterThan(1e12);
  expect(endedMs).toBeGreaterThanOrEqual(startedMs);
  return rest;
};

/** One recording stage, and beside it the plain recorder that is shown the same rows. */
interface Stage {
  readonly engine: StageEngine;
  readonly session: number;
  readonly recorder: WindowRecorder;
}

class Chain {
  readonly stages: readonly Stage[];
  readonly #dtype: ActivationDtype;

  constructor(stages: readonly Stage[], dtype: ActivationDtype) {
    this.stages = stages;
    this.#dtype = dtype;
  }

  static async open(engines: readonly StageEngine[], dtype: ActivationDtype): Promise<Chain> {
    return new Chain(await Promise.all(engines.map(async (engine, i) => ({
      engine, session: await engine.open(GREEDY, { record: dtype }), recorder: new WindowRecorder({ hiddenSize: engine.info.hiddenSize, dtype, isFirst: i === 0, isLast: i === engines.length - 1 }),
    }))), dtype);
  }

  /** The first `upTo` stages alone, as when what follows was not wanted any more. */
  async pass(position: number, tokens: readonly number[], { samples = true, upTo = this.stages.length } = {}): Promise<void> {
    let input: StageInput = { kind: 'tokens', tokens: Int32Array.from(tokens) };
    for (const [i, { engine, session, recorder }] of this.stages.slice(0, upTo).entries()) {
      const isLast = i === this.stages.length - 1;
      const output = await only(engine, { session, position, input, want: isLast ? { kind: samples ? 'sample' : 'none' } : { kind: 'hidden', dtype: this.#dtype } });
      recorder.add({
        position, rows: tokens.length, input: input.kind === 'tokens' ? input.tokens : input.data, output: output.kind === 'hidden' ? output.data : undefined,
        ...(output.kind === 'sampled' ? { sampled: output.token } : {}),
      });
      if (output.kind === 'hidden') input = output;
    }
  }

  async rollback(position: number, upTo = this.stages.length): Promise<void> {
    for (const { engine, session, recorder } of this.stages.slice(0, upTo)) {
      await engine.rollback(session, position);
      recorder.cut(position);
    }
  }

  async take(options = ALL): Promise<{ readonly tapped: WindowFields[]; readonly plain: WindowFields[] }[]> {
    return Promise.all(this.stages.map(async ({ engine, session, recorder }) => ({ tapped: (await engine.takeWindows(session, options)).map(windowFields), plain: recorder.take(options).map(windowFields) })));
  }
}

const tokensFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => 300 + (((first + i) * 37) % 150));

async function engines(model: Omit<GenerateOptions, 'path'>, load: typeof inProcess): Promise<StageEngine[]> {
  const path = join(folder, `${model.architecture}-${model.type}.gguf`);
  await generateModel({ ...model, path });
  const stage = stagesOf(path, folder, load);
  return Promise.all(RANGES.map((layers, i) => stage({ ...SIZES, layers, isFirst: i === 0, isLast: i === RANGES.length - 1 })));
}

const SUBJECTS = [
  { architecture: 'llama', type: 'Q8_0', dtype: 'f16', load: inProcess }, { architecture: 'llama', type: 'F16', dtype: 'f32', load: inWorker },
  { architecture: 'gemma2', type: 'Q8_0', dtype: 'f16', load: inProcess },
] as const;
test.each(SUBJECTS)('$architecture in $type over $dtype: what the engine keeps is what passed, of the rows that stayed, and the same on both sides of a boundary', async ({ architecture, type, dtype, load }) => {
  const loaded = await engines({ architecture, type, layers: 6, seed: 5 }, load);
  const chain = await Chain.open(loaded, dtype);
  // A prompt in passes that cross windows, then an answer row by row.
  await chain.pass(0, tokensFrom(0, 40), { samples: false });
  await chain.pass(40, tokensFrom(40, 11));
  for (let at = 51; at < 70; at++) await chain.pass(at, tokensFrom(at, 1));
  // Rows ahead that are taken back: over a window's border, and of the first stages alone.
  await chain.pass(70, tokensFrom(900, 30));
  await chain.rollback(70);
  await chain.pass(70, tokensFrom(70, 10));
  await chain.pass(80, tokensFrom(500, 30), { upTo: 2 });
  await chain.rollback(75);
  for (let at = 75; at < 101; at++) await chain.pass(at, tokensFrom(at, 1));
  await chain.pass(101, tokensFrom(600, 3), { upTo: 1 });
  const taken = await chain.take({ end: 100, most: 100 });
  for (const [i, { tapped, plain }] of taken.entries()) {
    expect(tapped.map(({ first, count }) => [first, count])).toEqual([[0, 32], [32, 32], [64, 32], [96, 4]]);
    // What the last stage gives does not travel, so that nobody but the engine sees it.
    const isLast = i === taken.length - 1;
    expect(tapped.map((window) => compared({ ...window, output: isLast ? null : window.output }))).toEqual(plain.map(compared));
    if (i > 0) expect(tapped.map(({ input }) => input)).toEqual(taken[i - 1]?.tapped.map(({ output }) => output));
    expect(tapped.every(({ inputTokens, sampledTokens }) => (inputTokens !== null) === (i === 0) && (sampledTokens !== null) === isLast)).toBe(true);
  }
  expect(taken.at(-1)?.tapped.map(({ sampledTokens, output }) => [sampledTokens?.length, output?.first, output?.count])).toEqual([[0, undefined, undefined], [14, 50, 14], [21, 75, 21], [4, 96, 4]]);
  for (const engine of loaded) await engine.dispose();
});

test('the last stage\'s output is its last block\'s, and recording changes no token', async () => {
  const loaded = await engines({ architecture: 'llama', type: 'Q8_0', layers: 6, seed: 5 }, inProcess);
  const stage = stagesOf(join(folder, 'llama-Q8_0.gguf'), folder, inProcess);
  const [last, layers] = [loaded[2] as StageEngine, RANGES[2] as (typeof RANGES)[number]];
  const open = await stage({ ...SIZES, layers, isFirst: false, isLast: false });
  const [recording, plain, through] = [await last.open(GREEDY, { record: 'f16' }), await last.open(GREEDY), await open.open(GREEDY)];
  const shown = new WindowRecorder({ hiddenSize: last.info.hiddenSize, dtype: 'f16', isFirst: false, isLast: true });
  for (let position = 0; position < 40; position++) {
    const data = Uint8Array.from(Buffer.from(Float32Array.from({ length: last.info.hiddenSize }, (_, i) => Math.sin(i * 7 + position)).buffer));
    const input: StageInput = { kind: 'hidden', dtype: 'f32', rows: 1, data };
    const [sampled, same] = [await only(last, { session: recording, position, input, want: { kind: 'sample' } }), await only(last, { session: plain, position, input, want: { kind: 'sample' } })];
    expect(sampled).toEqual(same);
    const output = await only(open, { session: through, position, input, want: { kind: 'hidden', dtype: 'f16' } });
    shown.add({ position, rows: 1, input: new Uint8Array(2 * last.info.hiddenSize), output: output.kind === 'hidden' ? output.data : undefined, ...(sampled.kind === 'sampled' ? { sampled: sampled.token } : {}) });
  }
  const parts = (windows: readonly WindowFields[]): unknown => windows.map(({ output, sampledTokens }) => ({ output, sampledTokens }));
  expect(parts((await last.takeWindows(recording, ALL)).map(windowFields))).toEqual(parts(shown.take(ALL).map(windowFields)));
  expect(await last.takeWindows(plain, ALL)).toEqual([]);
  for (const engine of [...loaded, open]) await engine.dispose();
});

test('windows are given once, in portions, and a slot that is used again has none of before', async () => {
  const loaded = await engines({ architecture: 'llama', type: 'Q8_0', layers: 6, seed: 5 }, inProcess);
  const first = loaded[0] as StageEngine;
  const session = await first.open(GREEDY, { record: 'f16' });
  const rows = async (position: number, count: number): Promise<void> => void (await only(first, { session, position, input: { kind: 'tokens', tokens: Int32Array.from(tokensFrom(position, count)) }, want: { kind: 'hidden', dtype: 'f16' } }));
  for (let at = 0; at < 200; at += 40) await rows(at, 40);
  const shape = async (options: { end: number; most: number }): Promise<number[][]> => (await first.takeWindows(session, options)).map(({ first: at, count }) => [at, count]);
  expect(await shape({ end: 198, most: 4 })).toEqual([[0, 32], [32, 32], [64, 32], [96, 32]]);
  expect(await shape({ end: 198, most: 4 })).toEqual([[128, 32], [160, 32], [192, 6]]);
  expect(await shape({ end: 198, most: 4 })).toEqual([]);
  await rows(200, 5);
  expect(await shape({ end: 0, most: 0 })).toEqual([]);
  // A run that goes on from here begins a window here.
  await first.rollback(session, 100);
  await rows(100, 40);
  expect(await shape(ALL)).toEqual([[100, 28], [128, 12]]);
  await rows(140, 5);
  await first.close(session);
  expect(await first.open(GREEDY, { record: 'f16' })).toBe(session);
  expect(await shape(ALL)).toEqual([]);
  for (const engine of loaded) await engine.dispose();
});
