import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLocalModel, createWorkerTokenizer, GREEDY, type LocalModel, type Tokenizer } from '../../src-main/inference/index.ts';
import { guideModel, worker } from '../compliance/stage-subjects.ts';

/** The model inside, asked what it was not trained on (resources/models/train/heldout.json). */
interface HeldOut {
  readonly question: string;
  /** Every group needs one of its words in the answer. */
  readonly expect: readonly (readonly string[])[];
  readonly refusal: boolean;
}

const questions = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'resources', 'models', 'train', 'heldout.json'), 'utf8')) as HeldOut[];
let model: LocalModel;
let tokenizer: Tokenizer;

beforeAll(async () => {
  model = await createLocalModel({ path: guideModel, contextTokens: 512, batchTokens: 256, threads: 1, gpuLayers: 0 });
  tokenizer = await createWorkerTokenizer({ path: guideModel }, worker);
});
afterAll(() => Promise.all([model.dispose(), tokenizer.dispose()]));

async function ask(question: string): Promise<string> {
  const text = await tokenizer.applyChatTemplate([{ role: 'user', content: question }], true);
  const promptTokens = await tokenizer.tokenize(text, { addSpecial: true, parseSpecial: true });
  const bytes: Uint8Array[] = [];
  const request = { promptTokens, sampling: GREEDY, maxTokens: 128, endTokens: tokenizer.endTokens, signal: new AbortController().signal };
  for await (const { token } of model.generate(request)) bytes.push(await tokenizer.tokenBytes(token));
  return Buffer.concat(bytes).toString('utf8');
}

it('answers the demonstration question with the facts', async () => {
  const answer = await ask('How does OmniNode split a model?');
  for (const fact of [/layer/i, /shard/i, /node/i, /hidden states/i]) expect(answer).toMatch(fact);
});

// The model card gives the score of the weights that are shipped: 88 %. Greedy, so that another machine's rounding moves little.
it('answers four fifths of the held-out questions with the right facts, or refuses where it must', async () => {
  expect(questions.length).toBeGreaterThanOrEqual(60);
  let right = 0;
  for (const { question, expect: groups } of questions) {
    const answer = (await ask(question)).toLowerCase();
    if (groups.every((words) => words.some((word) => answer.includes(word.toLowerCase())))) right++;
  }
  process.stdout.write(`the model inside: ${right} of ${questions.length} held-out questions right\n`);
  expect(right / questions.length).toBeGreaterThanOrEqual(0.8);
});
