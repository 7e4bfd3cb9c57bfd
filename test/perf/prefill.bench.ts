import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cutLayers, ask, openOn } from '../../src-main/pipeline/testing/scenario.ts';
import { TestNetwork } from '../../src-main/pipeline/testing/test-network.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } } });
const [ROUNDS, PROMPT, STAGES] = [Number(args.rounds), 2048, 3];
/** Of a pass, ms: what it costs whatever it holds, and what a row costs. */
const [PASS_MS, ROW_MS] = [10, 0.4];
const BATCHES = [2048, 512, 256, 128, 64];

/** Time to the first token of a prompt that nothing is known of, in micro-batches of `batchTokens` rows, ms. */
async function ttftMs(batchTokens: number): Promise<number> {
  const network = await new TestNetwork(cutLayers(STAGES, STAGES)).start();
  for (const node of network.nodes) {
    node.onForward = (batch) => delay(PASS_MS + ROW_MS * batch.reduce((rows, { input }) => rows + (input.kind === 'tokens' ? input.tokens.length : input.rows), 0));
  }
  const pipeline = await openOn(network, { contextTokens: 2 * PROMPT, batchTokens });
  const generation = pipeline.generate(ask({ promptTokens: Int32Array.from({ length: PROMPT }, (_, i) => i % 900), maxTokens: 1 }));
  for await (const { token } of generation) if (token < 0) break;
  const { stats } = await generation.result;
  await pipeline.close();
  await network.stop();
  return stats.ttftMs ?? Number.NaN;
}

async function main(): Promise<void> {
  const host = hostFacts();
  const runs: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const run: Record<string, number> = {};
    for (const batch of BATCHES) run[String(batch)] = Number((await ttftMs(batch)).toFixed(1));
    runs.push(run);
  }
  // Speed against speed: how many times sooner the first token comes than with the whole prompt in one piece.
  const ratio = (batch: number): number => median(runs.map((run) => (run['2048'] ?? Number.NaN) / (run[String(batch)] ?? Number.NaN)));
  const ideal = (batch: number): number => (STAGES * (PASS_MS + ROW_MS * PROMPT)) / ((PROMPT / batch + STAGES - 1) * (PASS_MS + ROW_MS * batch));
  const ratios = Object.fromEntries(BATCHES.slice(1).map((batch) => [`batch${batch}`, ratio(batch)]));
  print({ name: 'prefill', host, model: { stages: STAGES, promptTokens: PROMPT, passMs: PASS_MS, rowMs: ROW_MS, simulated: true }, ratios, runs },
    table(['rows of a micro-batch', 'ms to the first token', '÷ whole prompt', 'ideal'], BATCHES.map((batch) => [batch, median(runs.map((run) => run[String(batch)] ?? 0)).toFixed(0), ratio(batch).toFixed(2), ideal(batch).toFixed(2)])));
}

await main();
