import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createLocalModel, GREEDY } from '../../src-main/inference/index.ts';
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

async function stagedAnswer(model: string, totalLayers: number, count: number): Promise<number[]> {
  const load = stagesOf(model, folder, inProcess);
  const ranges = evenly(totalLayers, count);
  const engines = await Promise.all(ranges.map((layers, i) => load({ layers, isFirst: i === 0, isLast: i === count - 1, contextTokens: CONTEXT_TOKENS, maxSessions: 1, batchTokens: BATCH_TOKENS })));
  const chain = new StageChain(engines);
  const session = await chain.open(GREEDY);
  return session.generate(prompt, ANSWER_TOKENS).finally(() => chain.dispose());
}

async function expectEqual(model: string): Promise<void> {
  const { whole, layers } = await wholeAnswer(model);
  expect(whole).toHaveLength(ANSWER_TOKENS);
  for (const count of [1, 2, 3, layers]) expect(await stagedAnswer(model, layers, count), `${count} stages`).toEqual(whole);
}

describe('greedy tokens over 1, 2, 3 and as many stages as layers equal those of the whole model', () => {
  const cases: [Architecture, WeightType][] = [...ARCHITECTURES.map((a): [Architecture, WeightType] => [a, 'Q4_0']), ...WEIGHT_TYPES.filter((t) => t !== 'Q4_0').map((t): [Architecture, WeightType] => ['llama', t]), ['qwen3moe', 'Q4_K'], ['gemma3', 'F16']];
  it.each(cases)('%s %s', async (architecture, type) => {
    const path = join(folder, `${architecture}-${type}.gguf`);
    await generateModel({ path, architecture, type, layers: 7, slidingWindow: WINDOW, seed: 5 });
    await expectEqual(path);
  });

  it('the model inside', async () => {
    await expectEqual(guideModel);
  });
});
