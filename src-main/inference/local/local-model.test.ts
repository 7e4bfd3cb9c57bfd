import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StageChain } from '../../../test/compliance/stage-chain.ts';
import { inProcess } from '../../../test/compliance/stage-subjects.ts';
import { generateModel } from '../../../test/support/models/index.ts';
import { createLocalModel, GREEDY, type SamplingOptions } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-local-'));
const path = join(folder, 'model.gguf');
const settings = { path, contextTokens: 128, batchTokens: 64, threads: 1, gpuLayers: 0 };
const prompt = [300, 301, 17, 40, 302, 303, 12, 310, 311, 25, 77, 305];
const ANSWER_TOKENS = 48;

beforeAll(() => generateModel({ path, architecture: 'llama', type: 'Q8_0', layers: 4, seed: 3 }));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function wholeAnswer(sampling: SamplingOptions): Promise<number[]> {
  const model = await createLocalModel(settings);
  const tokens: number[] = [];
  const request = { promptTokens: Int32Array.from(prompt), sampling, maxTokens: ANSWER_TOKENS, endTokens: [], signal: new AbortController().signal };
  for await (const { token } of model.generate(request)) tokens.push(token);
  await model.dispose();
  return tokens;
}

async function stageAnswer(sampling: SamplingOptions): Promise<number[]> {
  const engine = await inProcess({ ...settings, layers: { first: 0, last: 3 }, isFirst: true, isLast: true, maxSessions: 1 });
  const session = await new StageChain([engine]).open(sampling);
  return session.generate(prompt, ANSWER_TOKENS).finally(() => engine.dispose());
}

it.each([[1.3, 64], [1.3, 4], [1.3, 0]])('penalises as a stage does: %f over the last %i tokens', async (repetitionPenalty, penaltyWindow) => {
  const sampling = { ...GREEDY, repetitionPenalty, penaltyWindow };
  expect(await wholeAnswer(sampling)).toEqual(await stageAnswer(sampling));
});

it('a penalty over no tokens is none', async () => {
  expect(await wholeAnswer({ ...GREEDY, repetitionPenalty: 2, penaltyWindow: 0 })).toEqual(await wholeAnswer(GREEDY));
});
