import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LayerRange } from '../../src-main/base/index.ts';
import { createLocalModel, GREEDY, type ActivationDtype } from '../../src-main/inference/index.ts';
import { StageChain } from '../compliance/stage-chain.ts';
import { evenly, guideModel, inProcess, stagesOf } from '../compliance/stage-subjects.ts';
import { ARCHITECTURES, generateModel, WEIGHT_TYPES, type Architecture, type WeightType } from '../support/models/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-equal-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const CONTEXT_TOKENS = 128;
const BATCH_TOKENS = 64;
const ANSWER_TOKENS = 32;
// Longer than the generated models' attention window, so that a layer with the wrong window shows.
const WINDOW = 16;
const prompt = Array.from({ length: 40 }, (_, i) => 20 + ((i * 37) % 280));

/** What node-llama-cpp answers with the whole file. */
async function wholeAnswer(path: string): Promise<{ whole: number[]; layers: number }> {
  const model = await createLocalModel({ path, contextTokens: CONTEXT_TOKENS, batchTokens: BATCH_TOKENS, threads: 1, gpuLayers: 0 });
  const whole: number[] = [];
  const request = { promptTokens: Int32Array.from(prompt), sampling: GREEDY, maxTokens: ANSWER_TOKENS, endTokens: [], signal: new AbortController().signal };
  for await (const { token } of model.generate(request)) whole.push(token);
  await model.dispose();
  return { whole, layers: model.layers };
}

interface Run {
  readonly contextTokens: number;
  readonly answerTokens: number;
  readonly dtype: ActivationDtype;
}
const EXACT: Run = { contextTokens: CONTEXT_TOKENS, answerTokens: ANSWER_TOKENS, dtype: 'f32' };

async function stagedAnswer(model: string, ranges: readonly LayerRange[], { contextTokens, answerTokens, dtype } = EXACT): Promise<number[]> {
  const load = stagesOf(model, folder, inProcess);
  const engines = await Promise.all(ranges.map((layers, i) => load({ layers, isFirst: i === 0, isLast: i === ranges.length - 1, contextTokens, maxSessions: 1, batchTokens: BATCH_TOKENS })));
  const chain = new StageChain(engines, dtype);
  const session = await chain.open(GREEDY);
  return session.generate(prompt, answerTokens).finally(() => chain.dispose());
}

async function expectEqual(model: string): Promise<void> {
  const { whole, layers } = await wholeAnswer(model);
  expect(whole).toHaveLength(ANSWER_TOKENS);
  for (const count of [1, 2, 3, layers]) expect(await stagedAnswer(model, evenly(layers, count)), `${count} stages`).toEqual(whole);
}

describe('greedy tokens over 1, 2, 3 and as many stages as layers equal those of the whole model', () => {
  const cases = ARCHITECTURES.flatMap((architecture) => WEIGHT_TYPES.map((type): [Architecture, WeightType] => [architecture, type]));
  it.each(cases)('%s %s', async (architecture, type) => {
    const path = join(folder, `${architecture}-${type}.gguf`);
    await generateModel({ path, architecture, type, layers: 7, slidingWindow: WINDOW, seed: 5 });
    await expectEqual(path);
  });

  it('the model inside', async () => {
    await expectEqual(guideModel);
  });
});

it('halved hidden states: says where 200 greedy tokens first differ from the exact ones', async () => {
  const path = join(folder, 'half.gguf');
  await generateModel({ path, architecture: 'llama', type: 'Q4_0', layers: 6, seed: 5 });
  const run: Run = { contextTokens: 256, answerTokens: 200, dtype: 'f32' };
  const exact = await stagedAnswer(path, evenly(6, 3), run);
  const half = await stagedAnswer(path, evenly(6, 3), { ...run, dtype: 'f16' });
  const differs = half.findIndex((token, i) => token !== exact[i]);
  process.stdout.write(`F16 hidden states, random weights, 3 stages: ${differs < 0 ? '200 tokens equal' : `first divergence at token ${differs}`}\n`);
  expect(half).toHaveLength(200);
  expect(half[0]).toBe(exact[0]);
});
