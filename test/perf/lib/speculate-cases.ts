import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appPaths } from '../../../src-main/host/index.ts';
import { createLocalModel, createWorkerTokenizer, findLibraries, GREEDY, type SamplingOptions, type Tokenizer } from '../../../src-main/inference/index.ts';
import { benchModel } from './model.ts';
import { NATIVE_PATH } from './stage-pool.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const CONTEXT = 1024;

/** Texts that one model is asked for, and how. */
export interface SpeculateModel {
  readonly name: string;
  readonly path: string;
  readonly contextTokens: number;
  readonly cases: readonly SpeculateCase[];
}

export interface SpeculateCase {
  readonly name: string;
  readonly prompt: readonly number[];
  readonly sampling: SamplingOptions;
  readonly tokens: number;
}

/** The model inside on questions that it was not taught: asked once, and asked again with the answer before its eyes. */
export async function guideCases(): Promise<SpeculateModel> {
  const path = join(root, 'resources', 'models', 'omni-guide.gguf');
  const tokenizer = await createWorkerTokenizer({ path }, { workerPath: appPaths().stageWorker, nativePath: NATIVE_PATH, librariesFolder: findLibraries() });
  const known = JSON.parse(await readFile(join(root, 'resources', 'models', 'train', 'heldout.json'), 'utf8')) as { question: string; refusal: boolean }[];
  const cases: SpeculateCase[] = [];
  for (const question of known.filter(({ refusal }) => !refusal).map((one) => one.question).filter((_, i) => i % 12 === 0).slice(0, 4)) {
    const prompt = await promptOf(tokenizer, [{ role: 'user', content: question }]);
    const { text, tokens } = await answerTo(path, tokenizer, prompt);
    const again = await promptOf(tokenizer, [{ role: 'user', content: question }, { role: 'assistant', content: text }, { role: 'user', content: question }]);
    cases.push({ name: 'question', prompt, sampling: GREEDY, tokens: tokens.length });
    cases.push({ name: 'asked again', prompt: again, sampling: GREEDY, tokens: (await answerTo(path, tokenizer, again)).tokens.length });
  }
  await tokenizer.dispose();
  return { name: 'omni-guide', path, contextTokens: CONTEXT, cases };
}

type Message = Parameters<Tokenizer['applyChatTemplate']>[0][number];

async function promptOf(tokenizer: Tokenizer, messages: readonly Message[]): Promise<number[]> {
  return [...await tokenizer.tokenize(await tokenizer.applyChatTemplate(messages, true), { addSpecial: true, parseSpecial: true })];
}

async function answerTo(path: string, tokenizer: Tokenizer, prompt: readonly number[]): Promise<{ text: string; tokens: number[] }> {
  const model = await createLocalModel({ path, contextTokens: CONTEXT, batchTokens: 256, threads: 1, gpuLayers: 0 });
  const tokens: number[] = [];
  const request = { promptTokens: Int32Array.from(prompt), sampling: GREEDY, maxTokens: 96, endTokens: tokenizer.endTokens, signal: new AbortController().signal };
  for await (const { token } of model.generate(request)) tokens.push(token);
  await model.dispose();
  const bytes = await Promise.all(tokens.map((token) => tokenizer.tokenBytes(token)));
  return { text: Buffer.concat(bytes).toString('utf8'), tokens };
}

/** A model of random weights repeats itself when a penalty below 1 has it do so, and hardly when one above 1 forbids it. */
export async function randomCases(given: string | undefined, tokens: number): Promise<SpeculateModel> {
  const prompt = Array.from({ length: 32 }, (_, i) => 260 + i * 7);
  const penalised = (repetitionPenalty: number): SamplingOptions => ({ ...GREEDY, repetitionPenalty, penaltyWindow: 64 });
  return {
    name: given ?? 'random 1B', path: await benchModel(given), contextTokens: 256, cases: [
      { name: 'repeats itself', prompt, sampling: penalised(0.2), tokens },
      { name: 'new text', prompt, sampling: penalised(1.5), tokens },
    ],
  };
}
