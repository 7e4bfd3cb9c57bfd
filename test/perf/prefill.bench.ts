import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { cutLayers, ask, openOn } from '../../src-main/pipeline/testing/scenario.ts';
import { TestNetwork } from '../../src-main/pipeline/testing/test-network.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } } });
const [ROUNDS, PROMPT, STAGES] = [Number(args.rounds), 2048, 3];
/** Of a pass, ms: what it costs whatever it holds, and what a row costs. */
interface Cost {
  readonly passMs: number;
  readonly rowMs: number;
}
const USUAL: Cost = { passMs: 10, rowMs: 0.4 };
const BATCHES = [2048, 512, 256, 128, 64];
/** For the size that follows what was measured: passes that cost little, as usual, and much in themselves. */
const COSTS: readonly Cost[] = [{ passMs: 1, rowMs: 0.4 }, USUAL, { passMs: 80, rowMs: 0.4 }];
const ADAPTED = [512, 256, 128, 64, 32];
/** Prompts that come before, of which it learns. */
const LESSONS = [100, 300, 40, 700];

async function openSimulated({ passMs, rowMs }: Cost, request: Parameters<typeof openOn>[1]): Promise<{ readonly pipeline: Pipeline; stop(): Promise<void> }> {
  const network = await new TestNetwork(cutLayers(STAGES, STAGES)).start();
  for (const node of network.nodes) {
    node.onForward = (batch) => delay(passMs + rowMs * batch.reduce((rows, { input }) => rows + (input.kind === 'tokens' ? input.tokens.length : input.rows), 0));
  }
  const pipeline = await openOn(network, { contextTokens: 2 * PROMPT, ...request });
  return { pipeline, stop: () => pipeline.close().then(() => network.stop()) };
}

/** Until the first token of a prompt that nothing is known of. */
async function answer(pipeline: Pipeline, rows: number): Promise<{ readonly ttftMs: number; readonly microBatch: number }> {
  const generation = pipeline.generate(ask({ promptTokens: Int32Array.from({ length: rows }, (_, i) => (i + rows) % 900), maxTokens: 1 }));
  for await (const { token } of generation) if (token < 0) break;
  const { ttftMs = Number.NaN, microBatch = Number.NaN } = (await generation.result).stats;
  return { ttftMs, microBatch };
}

/** In micro-batches of `batchTokens` rows, ms. */
async function ttftMs(cost: Cost, batchTokens: number): Promise<number> {
  const { pipeline, stop } = await openSimulated(cost, { batchTokens });
  const { ttftMs: ms } = await answer(pipeline, PROMPT);
  await stop();
  return ms;
}

async function adapted(cost: Cost): Promise<{ readonly ttftMs: number; readonly microBatch: number }> {
  const { pipeline, stop } = await openSimulated(cost, { batchTokens: 512, adapt: 'speed' });
  for (const rows of LESSONS) await answer(pipeline, rows);
  const last = await answer(pipeline, PROMPT);
  await stop();
  return last;
}

interface Adapted extends Cost {
  readonly microBatch: number;
  readonly ttftMs: number;
  readonly bestFixed: number;
  /** Best fixed ÷ this. */
  readonly ratio: number;
}

async function adaptedRuns(): Promise<Adapted[]> {
  const runs: Adapted[] = [];
  for (const cost of COSTS) {
    for (let round = 0; round < ROUNDS; round++) {
      const fixed: (readonly [number, number])[] = [];
      for (const size of ADAPTED) fixed.push([size, await ttftMs(cost, size)]);
      const [bestFixed, bestMs] = fixed.reduce((a, b) => (b[1] < a[1] ? b : a));
      const own = await adapted(cost);
      runs.push({ ...cost, ...own, bestFixed, ratio: bestMs / own.ttftMs });
    }
  }
  return runs;
}

/** A stage that computes 256 rows in more than twice the slice. */
const SLOW: Cost = { passMs: 10, rowMs: 1 };
const SLICE_MS = 100;

interface Stall {
  /** Longest time between two tokens of an answer while another's prompt is computed. */
  readonly longestGapMs: number;
  readonly microBatch: number;
  readonly ttftMs: number;
}

async function stallOf(adapt: 'slice' | undefined): Promise<Stall> {
  const { pipeline, stop } = await openSimulated(SLOW, { batchTokens: 256, ...(adapt === undefined ? {} : { adapt }) });
  for (const rows of LESSONS) await answer(pipeline, rows);
  const others = pipeline.generate(ask({ promptTokens: Int32Array.from({ length: 20 }, (_, i) => i), maxTokens: PROMPT }));
  const heard = others[Symbol.asyncIterator]();
  await heard.next();
  let [longestGapMs, isOver] = [0, false];
  const reading = (async () => {
    for (let before = performance.now(); !isOver; before = performance.now()) {
      await heard.next();
      longestGapMs = Math.max(longestGapMs, performance.now() - before);
    }
  })();
  const prompt = await answer(pipeline, PROMPT);
  isOver = true;
  await reading;
  others.cancel();
  await others.result;
  await stop();
  return { longestGapMs, ...prompt };
}

async function stalls(): Promise<Record<'fixed' | 'fair', Stall>[]> {
  const runs: Record<'fixed' | 'fair', Stall>[] = [];
  for (let round = 0; round < ROUNDS; round++) runs.push({ fixed: await stallOf(undefined), fair: await stallOf('slice') });
  return runs;
}

async function main(): Promise<void> {
  const host = hostFacts();
  const runs: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const run: Record<string, number> = {};
    for (const batch of BATCHES) run[String(batch)] = Number((await ttftMs(USUAL, batch)).toFixed(1));
    runs.push(run);
  }
  const auto = await adaptedRuns();
  const slice = await stalls();
  // Speed against speed: how many times sooner the first token comes than with the whole prompt in one piece.
  const ratio = (batch: number): number => median(runs.map((run) => (run['2048'] ?? Number.NaN) / (run[String(batch)] ?? Number.NaN)));
  const { passMs, rowMs } = USUAL;
  const ideal = (batch: number): number => (STAGES * (passMs + rowMs * PROMPT)) / ((PROMPT / batch + STAGES - 1) * (passMs + rowMs * batch));
  const ratios = { ...Object.fromEntries(BATCHES.slice(1).map((batch) => [`batch${batch}`, ratio(batch)])), autoToBestFixed: median(auto.map((run) => run.ratio)), gapFixedToFair: median(slice.map(({ fixed, fair }) => fixed.longestGapMs / fair.longestGapMs)) };
  const ofCost = (cost: Cost): readonly Adapted[] => auto.filter((run) => run.passMs === cost.passMs);
  const sizes = (values: readonly number[]): string => [...new Set(values)].toSorted((a, b) => a - b).join(' or ');
  print({ name: 'prefill', host, model: { stages: STAGES, promptTokens: PROMPT, passMs, rowMs, simulated: true }, ratios, auto, slice: { sliceMs: SLICE_MS, ...SLOW, runs: slice }, runs }, [
    table(['rows of a micro-batch', 'ms to the first token', '÷ whole prompt', 'ideal'], BATCHES.map((batch) => [batch, median(runs.map((run) => run[String(batch)] ?? 0)).toFixed(0), ratio(batch).toFixed(2), ideal(batch).toFixed(2)])), '',
    table(['a pass costs', 'best fixed size', 'chosen', 'ms to the first token', 'best fixed ÷ chosen'],
      COSTS.map((cost) => [`${cost.passMs} ms + ${cost.rowMs} ms a row`, sizes(ofCost(cost).map((run) => run.bestFixed)), sizes(ofCost(cost).map((run) => run.microBatch)), median(ofCost(cost).map((run) => run.ttftMs)).toFixed(0), median(ofCost(cost).map((run) => run.ratio)).toFixed(3)])),
    '', table(['rows of a micro-batch', 'of them', "longest gap in another's answer, ms", 'ms to the first token'],
      (['fixed', 'fair'] as const).map((how) => [how, sizes(slice.map((run) => run[how].microBatch)), median(slice.map((run) => run[how].longestGapMs)).toFixed(0), median(slice.map((run) => run[how].ttftMs)).toFixed(0)])),
  ].join('\n'));
}

await main();
