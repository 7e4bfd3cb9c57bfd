import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LayerRange } from '../../src-main/base/index.ts';
import { createOwnProcessEngine, findLibraries, GREEDY, type ActivationDtype } from '../../src-main/inference/index.ts';
import { commit, compare, exceeded, rowValues, thresholdsFor, WINDOW_ROWS, type Difference, type Thresholds, type WeightKind } from '../../src-main/pipeline/index.ts';
import { seeded } from '../support/models/index.ts';
import type { Transform } from '../support/models/transform.ts';
import { hostFacts, median, print, table } from './lib/report.ts';
import { StageFiles, subjects, type Subject } from './lib/receipt-subjects.ts';
import { NATIVE_PATH, StagePool, type CpuPath } from './lib/stage-pool.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, prompts: { type: 'string', default: '6' }, rows: { type: 'string', default: '96' }, seed: { type: 'string', default: '3' }, window: { type: 'string', default: String(WINDOW_ROWS) } } });
const [PROMPTS, ROWS, WINDOW] = [Number(args.prompts), Number(args.rows), Number(args.window)];
/** Windows shorter than the usual ones (an answer's last) are taken out of the rows here and there. */
const STEP = Math.max(WINDOW, WINDOW_ROWS / 2);
const CONTEXT = 256;

/** How a stage computes: what two honest machines may differ in. */
interface Manner {
  readonly cpu: CpuPath;
  readonly threads: number;
  readonly dtype: ActivationDtype;
  /** `whole`: as the verifier does. `decode`: the prompt in one pass, then row by row. A number: passes of so many rows. */
  readonly passes: 'whole' | 'decode' | number;
}
const VERIFIER: Manner = { cpu: 'chosen', threads: 1, dtype: 'f32', passes: 'whole' };

interface Sample extends Difference {
  readonly variant: string;
  readonly model: string;
  readonly honest: boolean;
  readonly weights: WeightKind;
  readonly rows: number;
}

/** Tokens of one sequence and what an honest chain in the verifier's manner computes at each boundary. */
interface Reference {
  readonly tokens: Int32Array;
  readonly promptTokens: number;
}

class Bench {
  readonly samples: Sample[] = [];
  readonly #pool: StagePool;
  readonly #files: StageFiles;

  constructor(pool: StagePool, files: StageFiles) {
    this.#pool = pool;
    this.#files = files;
  }

  async measure(subject: Subject, cpus: readonly string[]): Promise<void> {
    const sequences = await this.#answers(subject);
    const truth = await this.#chain(subject, sequences, VERIFIER);
    const about = aboutModel(subject);
    const truthF16 = await this.#chain(subject, sequences, { ...VERIFIER, dtype: 'f16' });
    const honest: [string, Partial<Manner>][] = [
      ['again, the same way', {}], ['row by row', { passes: 'decode' }], ['passes of 8 rows', { passes: 8 }], ['2 threads', { threads: 2 }], ['F16 transport', { dtype: 'f16' }],
      ...cpus.map((cpu): [string, Partial<Manner>] => [`CPU path ${cpu}`, { cpu }]),
      ['all of these at once', { passes: 'decode', threads: 2, dtype: 'f16', cpu: cpus[0] ?? 'chosen' }],
    ];
    for (const [variant, manner] of honest) {
      const rows = await this.#chain(subject, sequences, { ...VERIFIER, ...manner });
      // The transport's type is in the receipt: who verifies rounds at the boundaries as the stages did.
      const reference = manner.dtype === 'f16' ? truthF16 : truth;
      this.#compareAll({ variant, ...about, honest: true }, sequences, { rows, reference, dtype: manner.dtype ?? 'f32' });
    }
    const unlike = await this.#chain(subject, sequences, { ...VERIFIER, dtype: 'f16' });
    this.#compareAll({ variant: 'F16 transport, verified in F32', ...about, honest: true }, sequences, { rows: unlike, reference: truth, dtype: 'f16', referenceDtype: 'f32' });
    await this.#cheats(subject, sequences, truth);
  }

  /** One dishonest stage at a time, with honest rows coming in: the least that can be seen of it. */
  async #cheats(subject: Subject, sequences: readonly Reference[], truth: readonly (readonly Uint8Array[])[]): Promise<void> {
    const random = seeded(99);
    const perturb = (relative: number): Transform => ({ kind: 'perturb', relative, random });
    const altered: [string, Transform][] = [
      ...(subject.type === 'F16' ? [['weights in Q8_0', { kind: 'requantise', type: 'Q8_0' }] as [string, Transform]] : []),
      ...(subject.type === 'Q4_0' ? [] : [['weights in Q4_0', { kind: 'requantise', type: 'Q4_0' }] as [string, Transform]]),
      ['weights off by 0.1 %', perturb(0.001)], ['weights off by 1 %', perturb(0.01)], ['weights off by 10 %', perturb(0.1)],
    ];
    const tag = (variant: string) => ({ variant, ...aboutModel(subject), honest: false });
    for (const [variant, transform] of altered) await this.#alone(tag(variant), subject, { sequences, truth, model: await this.#files.transformed(subject.path, variant, transform) });
    await this.#alone(tag('another model'), subject, { sequences, truth, model: subject.other });
    await this.#alone(tag('one layer of two left out'), subject, { sequences, truth, model: subject.path, cut: ({ first }) => ({ first, last: first }) });
    const swapped = sequences.map((_, i) => sequences[(i + 1) % sequences.length] as Reference);
    const common = sequences.map((sequence, i) => ({ ...sequence, tokens: (swapped[i] as Reference).tokens.slice(0, sequence.tokens.length) }));
    this.#compareAll(tag('another prompt'), common, { rows: await this.#chain(subject, common, VERIFIER), reference: truth, dtype: 'f32' });
    for (const count of [1, 8]) {
      const replaced = sequences.map(({ tokens, promptTokens }) => ({ promptTokens, tokens: tokens.map((token, i) => (i >= promptTokens && i < promptTokens + count ? 300 + ((token * 7 + 11) % 1700) : token)) }));
      // Only windows with a replaced row or after it can differ.
      this.#compareAll(tag(`first ${count} answer tokens replaced`), replaced, { rows: await this.#chain(subject, replaced, VERIFIER), reference: truth, dtype: 'f32', from: 'answer' });
    }
  }

  async #alone(tag: Tag, subject: Subject, { sequences, truth, model, cut }: Cheat): Promise<void> {
    const rows: (readonly Uint8Array[])[] = [];
    for (const [i, range] of subject.ranges.entries()) {
      const layers = cut?.(range) ?? range;
      rows.push(await this.#stage({ path: await this.#files.stage(model, layers), layers, isFirst: i === 0 }, { sequences, inputs: i === 0 ? sequences.map(({ tokens }) => tokens) : truth[i - 1] ?? [] }, VERIFIER));
    }
    this.#compareAll(tag, sequences, { rows, reference: truth, dtype: 'f32' });
  }

  /** Prompts with greedy answers of the model itself, so that all sequences have ROWS rows. */
  async #answers(subject: Subject): Promise<Reference[]> {
    const [first, last] = [subject.ranges[0]?.first ?? 0, subject.ranges.at(-1)?.last ?? 0];
    const engine = await createOwnProcessEngine({ ...ENGINE, threads: 1, path: await this.#files.stage(subject.path, { first, last }), layers: { first, last }, isFirst: true, isLast: true }, { nativePath: NATIVE_PATH, librariesFolder: findLibraries() });
    const references: Reference[] = [];
    for (const prompt of subject.prompts) {
      const session = await engine.open(GREEDY);
      const tokens = prompt.slice(0, ROWS - 16);
      for (let position = 0; tokens.length < ROWS;) {
        const input = Int32Array.from(tokens.slice(position));
        const { outputs: [out] } = await engine.forward([{ session, position, input: { kind: 'tokens', tokens: input }, want: { kind: 'sample' } }]);
        position += input.length;
        if (out?.kind === 'sampled') tokens.push(out.token);
      }
      references.push({ tokens: Int32Array.from(tokens), promptTokens: Math.min(prompt.length, ROWS - 16) });
      await engine.close(session);
    }
    await engine.dispose();
    return references;
  }

  /** All stages one after the other: rows per boundary and sequence. */
  async #chain(subject: Subject, sequences: readonly Reference[], manner: Manner): Promise<(readonly Uint8Array[])[]> {
    const rows: (readonly Uint8Array[])[] = [];
    let inputs: readonly (Int32Array | Uint8Array)[] = sequences.map(({ tokens }) => tokens);
    for (const [i, layers] of subject.ranges.entries()) {
      const outputs = await this.#stage({ path: await this.#files.stage(subject.path, layers), layers, isFirst: i === 0 }, { sequences, inputs }, manner);
      rows.push(outputs);
      inputs = outputs;
    }
    return rows;
  }

  #stage(stage: { path: string; layers: LayerRange; isFirst: boolean }, { sequences, inputs }: { sequences: readonly Reference[]; inputs: readonly (Int32Array | Uint8Array)[] }, { cpu, threads, dtype, passes }: Manner): Promise<readonly Uint8Array[]> {
    return this.#pool.run(cpu, {
      options: { ...ENGINE, ...stage, isLast: false, threads }, dtype,
      sequences: sequences.map((sequence, i) => ({ input: inputs[i] ?? new Int32Array(), passes: passesOf(sequence, passes) })),
    });
  }

  #compareAll(tag: Tag, sequences: readonly Reference[], { rows, reference, dtype, referenceDtype = dtype, from }: Comparison): void {
    for (const [boundary, outputs] of rows.entries()) {
      for (const [i, { tokens, promptTokens }] of sequences.entries()) {
        const [computed, truth] = [rowValues(outputs[i] as Uint8Array, dtype), rowValues(reference[boundary]?.[i] as Uint8Array, referenceDtype)];
        const width = computed.length / tokens.length;
        for (let first = from === 'answer' ? promptTokens - (promptTokens % STEP) : 0; first < tokens.length; first += STEP) {
          const end = Math.min(tokens.length, first + WINDOW);
          const part = (values: Float32Array): Float32Array => values.subarray(first * width, end * width);
          this.samples.push({ ...tag, rows: end - first, ...compare(commit(part(computed)), part(truth)) });
        }
      }
    }
  }
}

const ENGINE = { contextTokens: CONTEXT, maxSessions: 1, batchTokens: CONTEXT, gpuLayers: 0 };

type Tag = Pick<Sample, 'variant' | 'model' | 'honest' | 'weights'>;
interface Cheat {
  readonly sequences: readonly Reference[];
  readonly truth: readonly (readonly Uint8Array[])[];
  readonly model: string;
  /** The layers that are really computed of a range. */
  readonly cut?: (range: LayerRange) => LayerRange;
}
interface Comparison {
  readonly rows: readonly (readonly Uint8Array[])[];
  readonly reference: readonly (readonly Uint8Array[])[];
  readonly dtype: ActivationDtype;
  readonly referenceDtype?: ActivationDtype;
  readonly from?: 'answer';
}

const aboutModel = ({ name, type }: Subject): Pick<Tag, 'model' | 'weights'> => ({ model: name, weights: type === 'F16' ? 'float' : 'quantised' });

function passesOf({ tokens, promptTokens }: Reference, passes: Manner['passes']): number[] {
  if (passes === 'whole') return [tokens.length];
  if (passes === 'decode') return [promptTokens, ...Array.from({ length: tokens.length - promptTokens }, () => 1)];
  return Array.from({ length: Math.ceil(tokens.length / passes) }, (_, i) => Math.min(passes, tokens.length - i * passes));
}

/** How near a window is to the other verdict: the largest of its figures as a part of the limit. Above 1 is rejected. */
function pressure(sample: Sample): number {
  const limits = limitsOf(sample);
  return Math.max(sample.lost / (limits.lostShare * sample.entries), sample.stepsMean / limits.stepsMean, sample.stepsMedian / limits.stepsMedian);
}

const limitsOf = ({ weights, rows }: Pick<Sample, 'weights' | 'rows'>): Thresholds => thresholdsFor({ weights, rows, backends: ['cpu', 'cpu'] });
const isRejected = (sample: Sample): boolean => exceeded(sample, limitsOf(sample)) !== undefined;

function summarise(samples: readonly Sample[]) {
  const [{ variant, honest }] = samples as [Sample];
  const rejected = samples.filter(isRejected).length;
  const wrong = honest ? rejected : samples.length - rejected;
  const worst = honest ? Math.max : Math.min;
  const of = (pick: (sample: Sample) => number) => ({ median: round(median(samples.map(pick))), worst: round(worst(...samples.map(pick))) });
  return {
    variant, kind: honest ? 'honest' : 'cheating', windows: samples.length, rejected, wrong,
    /** Of the true rate, were windows independent: 95 % Wilson interval. */
    wrongRate: round(wrong / samples.length), wrongRateUpTo: round(wilsonUpper(wrong, samples.length)),
    lost: of((sample) => sample.lost), stepsMean: of((sample) => sample.stepsMean), stepsMedian: of((sample) => sample.stepsMedian),
    pressure: of(pressure),
  };
}

/** Null: no entry was near. */
const round = (value: number): number | null => (Number.isFinite(value) ? Number(value.toFixed(4)) : null);
const text = (value: number | null): string => (value === null ? 'none near' : value.toFixed(2));
const percent = (value: number | null): string => `${(100 * (value ?? 0)).toFixed(1)} %`;

function wilsonUpper(count: number, total: number): number {
  const [z, share] = [1.96, count / total];
  return (share + z ** 2 / (2 * total) + z * Math.sqrt((share * (1 - share) + z ** 2 / (4 * total)) / total)) / (1 + z ** 2 / total);
}

const groups = (samples: readonly Sample[], key: (sample: Sample) => string) => [...Map.groupBy(samples, key).values()];

async function main(): Promise<void> {
  const host = hostFacts();
  const scratch = await mkdtemp(join(tmpdir(), 'omninode-receipts-'));
  const pool = new StagePool();
  const bench = new Bench(pool, new StageFiles(scratch));
  try {
    const offered = await readdir(findLibraries());
    const cpus = ['haswell', 'x64'].filter((name) => offered.includes(`libggml-cpu-${name}.so`));
    for (const subject of await subjects(join(tmpdir(), 'omninode-bench', 'receipts'), { prompts: PROMPTS, seed: Number(args.seed) })) await bench.measure(subject, cpus);
  } finally {
    await pool.stop();
    await rm(scratch, { recursive: true, force: true });
  }
  report(host, bench.samples);
}

function report(host: ReturnType<typeof hostFacts>, samples: readonly Sample[]): void {
  const overall = groups(samples, (sample) => sample.variant).map(summarise);
  const runs = groups(samples, (sample) => `${sample.variant} ${sample.model}`).map((group) => ({ model: group[0]?.model, ...summarise(group) }));
  const total = (honest: boolean): object => {
    const of = samples.filter((sample) => sample.honest === honest);
    const wrong = of.filter((sample) => isRejected(sample) === honest).length;
    return { windows: of.length, wrong, rate: round(wrong / of.length), rateUpTo: round(wilsonUpper(wrong, of.length)) };
  };
  const rows = overall.map((line) => [line.variant, line.kind, line.windows, line.rejected, `${percent(line.wrongRate)} (<= ${percent(line.wrongRateUpTo)})`,
    `${line.lost.median} / ${line.lost.worst}`, `${text(line.stepsMean.median)} / ${text(line.stepsMean.worst)}`, text(line.pressure.worst)]);
  print({ name: 'receipts', host, windowRows: WINDOW, thresholds: { float: limitsOf({ weights: 'float', rows: WINDOW }), quantised: limitsOf({ weights: 'quantised', rows: WINDOW }) }, falseReject: total(true), falseAccept: total(false), table: overall, runs },
    table(['variant', '', 'windows', 'rejected', 'wrong verdicts', 'lost: median / worst', 'steps: median / worst', 'nearest to the limit (1)'], rows));
}

await main();
