import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerRange } from '../../../src-main/base/index.ts';
import { createWorkerTokenizer, findLibraries } from '../../../src-main/inference/index.ts';
import { cutStage } from '../../../src-main/store/index.ts';
import { generateModel, seeded, type GenerateOptions } from '../../support/models/index.ts';
import { transformModel, type Transform, type TransformType } from '../../support/models/transform.ts';
import { NATIVE_PATH } from './stage-pool.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** A model that stages are honest or dishonest about. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  readonly type: TransformType;
  readonly ranges: readonly LayerRange[];
  readonly prompts: readonly (readonly number[])[];
  /** Path of a model that is another with the same shape. */
  readonly other: string;
}

const RANDOM = { hiddenSize: 512, feedForward: 1408, layers: 6, vocabSize: 2048, contextTokens: 1024 } as const;
const RANGES: readonly LayerRange[] = [{ first: 0, last: 1 }, { first: 2, last: 3 }, { first: 4, last: 5 }];

/** The model inside, on questions that it was not taught, and generated ones on random tokens. */
export async function subjects(folder: string, { prompts, seed }: { readonly prompts: number; readonly seed: number }): Promise<Subject[]> {
  await mkdir(folder, { recursive: true });
  const generated = async (name: string, options: Omit<GenerateOptions, 'path' | 'name'>): Promise<string> => {
    const path = join(folder, `${name}.gguf`);
    if (await stat(path).catch(() => undefined) === undefined) await generateModel({ path, name, ...options });
    return path;
  };
  const random = seeded(seed);
  const randomPrompts = Array.from({ length: prompts }, (_, i) => Array.from({ length: 30 + ((i * 11) % 25) }, () => 300 + Math.floor(random() * 1700)));
  const guideShape = { layers: 6, hiddenSize: 192, headSize: 32, heads: 6, kvHeads: 2, feedForward: 576, vocabSize: 2048, contextTokens: 1024, tied: true };
  return [
    { name: 'omni-guide Q8_0', path: join(root, 'resources', 'models', 'omni-guide.gguf'), type: 'Q8_0', ranges: RANGES, prompts: await questions(prompts, seed), other: await generated('guide-shape', { architecture: 'llama', type: 'Q8_0', seed: 3, ...guideShape }) },
    { name: 'random llama F16', path: await generated('llama-f16', { architecture: 'llama', type: 'F16', seed: 1, ...RANDOM }), type: 'F16', ranges: RANGES, prompts: randomPrompts, other: await generated('llama-f16-other', { architecture: 'llama', type: 'F16', seed: 2, ...RANDOM }) },
    { name: 'random qwen3 Q8_0', path: await generated('qwen3-q8', { architecture: 'qwen3', type: 'Q8_0', seed: 1, ...RANDOM }), type: 'Q8_0', ranges: RANGES, prompts: randomPrompts, other: await generated('qwen3-q8-other', { architecture: 'qwen3', type: 'Q8_0', seed: 2, ...RANDOM }) },
    { name: 'random llama Q4_0', path: await generated('llama-q4', { architecture: 'llama', type: 'Q4_0', seed: 1, ...RANDOM }), type: 'Q4_0', ranges: RANGES, prompts: randomPrompts, other: await generated('llama-q4-other', { architecture: 'llama', type: 'Q4_0', seed: 2, ...RANDOM }) },
  ];
}

async function questions(count: number, seed: number): Promise<number[][]> {
  const path = join(root, 'resources', 'models', 'omni-guide.gguf');
  const known = JSON.parse(await readFile(join(root, 'resources', 'models', 'train', 'heldout.json'), 'utf8')) as { question: string }[];
  const tokenizer = await createWorkerTokenizer({ path }, { workerPath: join(root, 'src-main', 'inference', 'worker', 'main.ts'), nativePath: NATIVE_PATH, librariesFolder: findLibraries() });
  const prompts: number[][] = [];
  const step = Math.max(1, Math.floor(known.length / count));
  for (const { question } of known.filter((_, i) => i % step === seed % step).slice(0, count)) {
    const text = await tokenizer.applyChatTemplate([{ role: 'user', content: question }], true);
    prompts.push([...await tokenizer.tokenize(text, { addSpecial: true, parseSpecial: true })]);
  }
  await tokenizer.dispose();
  return prompts;
}

/** Files of stages, made when first asked for. */
export class StageFiles {
  readonly #folder: string;
  readonly #made = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  stage(model: string, { first, last }: LayerRange): Promise<string> {
    return this.#once(`${model} ${first}-${last}`, async (outputPath) => (await cutStage({ model, layers: { first, last }, outputPath })).path);
  }

  transformed(model: string, name: string, transform: Transform): Promise<string> {
    return this.#once(`${model} ${name}`, async (to) => {
      await transformModel({ from: model, to, transform });
      return to;
    });
  }

  #once(key: string, make: (path: string) => Promise<string>): Promise<string> {
    const made = this.#made.get(key) ?? make(join(this.#folder, `${this.#made.size}.gguf`));
    this.#made.set(key, made);
    return made;
  }
}
