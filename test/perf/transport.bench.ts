import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createWorkerTokenizer, GREEDY, rowBytes, type ActivationDtype, type StageEngine } from '../../src-main/inference/index.ts';
import { StageChain, only } from '../compliance/stage-chain.ts';
import { evenly, guideModel, inProcess, stagesOf, worker } from '../compliance/stage-subjects.ts';
import { seeded } from '../support/models/index.ts';
import { GB1, SMALL, smallModel } from './lib/model.ts';
import { hostFacts, print, table } from './lib/report.ts';
import { bytesPerValue, LAYOUTS, relativeError } from './lib/row-layouts.ts';
import { buildRowTimer } from './lib/rpc-programs.ts';
import { distributions, qualityOf, type Quality, type Sequence } from './lib/teacher-forced.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, questions: { type: 'string', default: '24' }, rows: { type: 'string', default: '256' }, rounds: { type: 'string', default: '200' } } });
const [QUESTIONS, ROWS] = [Number(args.questions), Number(args.rows)];
const [LAYERS, CONTEXT] = [6, 512];
const DTYPES: readonly ActivationDtype[] = ['f32', 'f16', 'q8'];
const STAGES = [2, 3, 4];
const root = join(import.meta.dirname, '..', '..');
/** What large trained models have and these have not: a few columns far larger than the rest. */
const OUTLIERS = { columns: [7, 100], factor: 100 };

interface Subject {
  readonly name: string;
  readonly path: string;
  readonly sequences: readonly Sequence[];
}
interface Row extends Quality {
  readonly subject: string;
  readonly stages: number;
  readonly dtype: ActivationDtype;
}
interface LayoutRow {
  readonly layout: string;
  readonly bytesPerValue: number;
  readonly error: number;
  readonly errorBesideOutliers: number;
}

class Bench {
  readonly folder: string;
  #cuts = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async load(path: string, stages: number): Promise<StageEngine[]> {
    const load = stagesOf(path, join(this.folder, String(this.#cuts++)), inProcess);
    const engines: StageEngine[] = [];
    for (const [i, layers] of evenly(LAYERS, stages).entries()) engines.push(await load({ layers, isFirst: i === 0, isLast: i === stages - 1, contextTokens: CONTEXT, maxSessions: 1, batchTokens: 64 }));
    return engines;
  }

  async quality({ name, path, sequences }: Subject): Promise<Row[]> {
    const whole = new StageChain(await this.load(path, 1));
    const reference = await distributions(whole.engines, sequences, 'f32');
    await whole.dispose();
    const rows: Row[] = [];
    for (const stages of STAGES) {
      const chain = new StageChain(await this.load(path, stages));
      for (const dtype of DTYPES) rows.push({ subject: name, stages, dtype, ...qualityOf(await distributions(chain.engines, sequences, dtype), reference, sequences) });
      await chain.dispose();
    }
    return rows;
  }

  /** What really crosses the two boundaries of three stages, in F32. */
  async crossing({ path, sequences }: Subject): Promise<Float32Array[]> {
    const engines = await this.load(path, 3);
    const rows: Float32Array[] = [];
    const { tokens } = sequences[0] as Sequence;
    let input: Parameters<typeof only>[1]['input'] = { kind: 'tokens', tokens: Int32Array.from(tokens.slice(0, 48)) };
    for (const engine of engines.slice(0, 2)) {
      const output = await only(engine, { session: await engine.open(GREEDY), position: 0, input, want: { kind: 'hidden', dtype: 'f32' } });
      if (output.kind !== 'hidden') throw new TypeError('no hidden states');
      input = output;
      const values = new Float32Array(Uint8Array.from(output.data).buffer);
      for (let at = 0; at < values.length; at += engine.info.hiddenSize) rows.push(values.slice(at, at + engine.info.hiddenSize));
    }
    for (const engine of engines) await engine.dispose();
    return rows;
  }
}

async function guideSubjects(bench: Bench): Promise<Subject[]> {
  const tokenizer = await createWorkerTokenizer({ path: guideModel }, worker);
  const whole = new StageChain(await bench.load(guideModel, 1));
  const heldOut = JSON.parse(await readFile(join(root, 'resources', 'models', 'train', 'heldout.json'), 'utf8')) as { question: string }[];
  const step = Math.floor(heldOut.length / QUESTIONS);
  const asked: Sequence[] = [];
  for (const { question } of heldOut.filter((_, i) => i % step === 0).slice(0, QUESTIONS)) {
    const prompt = [...await tokenizer.tokenize(await tokenizer.applyChatTemplate([{ role: 'user', content: question }], true), { addSpecial: true, parseSpecial: true })];
    const session = await whole.open(GREEDY);
    asked.push({ tokens: [...prompt, ...await session.generate(prompt, 64)], from: prompt.length - 1 });
    await session.close();
  }
  const text = [...await tokenizer.tokenize(await readFile(join(root, 'README.md'), 'utf8'), { addSpecial: true, parseSpecial: false })];
  const read = Array.from({ length: 4 }, (_, i): Sequence => ({ tokens: text.slice(i * ROWS, (i + 1) * ROWS), from: 0 })).filter(({ tokens }) => tokens.length > 1);
  await whole.dispose();
  await tokenizer.dispose();
  return [{ name: 'omni-guide, its answers', path: guideModel, sequences: asked }, { name: 'omni-guide, README.md', path: guideModel, sequences: read }];
}

async function randomSubjects(): Promise<Subject[]> {
  const random = seeded(5);
  const sequences = [0, 1].map((): Sequence => ({ tokens: Array.from({ length: ROWS }, () => 300 + Math.floor(random() * (SMALL.vocabSize - 400))), from: 0 }));
  return [{ name: 'random 20M Q8_0, random tokens', path: await smallModel('Q8_0'), sequences }, { name: 'random 20M F16, random tokens', path: await smallModel('F16'), sequences }];
}

function layoutErrors(rows: readonly Float32Array[]): LayoutRow[] {
  const width = rows[0]?.length ?? 0;
  const extreme = rows.map((row) => row.map((value, column) => (OUTLIERS.columns.includes(column) ? value * OUTLIERS.factor : value)));
  return LAYOUTS.map((layout) => ({
    layout: layout.name, bytesPerValue: bytesPerValue(layout, width), error: relativeError(rows, layout), errorBesideOutliers: relativeError(extreme, layout, (column) => !OUTLIERS.columns.includes(column)),
  }));
}

async function times(): Promise<{ readonly dtype: string; readonly bytes: number; readonly us: number }[]> {
  const out = execFileSync(await buildRowTimer(), [String(GB1.hiddenSize), args.rounds], { encoding: 'utf8' });
  return out.trim().split('\n').map((line) => line.split(' ')).map(([dtype = '', ns]) => ({ dtype, bytes: rowBytes(dtype as ActivationDtype, GB1.hiddenSize), us: Number(ns) / 1000 }));
}

async function main(): Promise<void> {
  const host = hostFacts();
  const bench = new Bench(await mkdtemp(join(tmpdir(), 'omninode-transport-')));
  try {
    const subjects = [...await guideSubjects(bench), ...await randomSubjects()];
    const runs: Row[] = [];
    for (const subject of subjects) runs.push(...await bench.quality(subject));
    const [guide, , random] = subjects as [Subject, Subject, Subject];
    const layouts = { [guide.name]: layoutErrors(await bench.crossing(guide)), [random.name]: layoutErrors(await bench.crossing(random)) };
    const rowTimes = await times();
    report({ host, runs, layouts, rowTimes });
  } finally {
    await rm(bench.folder, { recursive: true, force: true });
  }
}

function report({ host, runs, layouts, rowTimes }: { host: ReturnType<typeof hostFacts>; runs: readonly Row[]; layouts: Readonly<Record<string, readonly LayoutRow[]>>; rowTimes: Awaited<ReturnType<typeof times>> }): void {
  const q8 = rowTimes.find(({ dtype }) => dtype === 'q8')?.bytes ?? Number.NaN;
  const ratios = Object.fromEntries(rowTimes.map(({ dtype, bytes }) => [`${dtype}Bytes`, bytes / q8]));
  const text = [
    table(['tokens', 'stages', 'dtype', 'positions', 'same likeliest token', 'mean KL, nats', 'largest', 'perplexity ÷ F32'],
      runs.map((run) => [run.subject, run.stages, run.dtype, run.positions, run.isExact ? 'bit for bit' : `${(100 * run.top1Agreement).toFixed(2)} %`, run.meanKl.toExponential(1), run.maxKl.toExponential(1), run.perplexityRatio.toFixed(5)])), '',
    ...Object.entries(layouts).flatMap(([name, rows]) => [table([`8-bit layout, rows of ${name}`, 'bytes a value', 'relative error', `beside columns ${OUTLIERS.factor} times as large`],
      rows.map((row) => [row.layout, row.bytesPerValue.toFixed(3), `${(100 * row.error).toFixed(3)} %`, `${(100 * row.errorBesideOutliers).toFixed(2)} %`])), '']),
    table([`a row of ${GB1.hiddenSize}`, 'bytes', 'µs to write and read'], rowTimes.map(({ dtype, bytes, us }) => [dtype, bytes, us.toFixed(2)])),
  ].join('\n');
  print({ name: 'transport', host, model: { hiddenSize: GB1.hiddenSize, layers: LAYERS }, ratios, rowTimes, layouts, runs }, text);
}

await main();
