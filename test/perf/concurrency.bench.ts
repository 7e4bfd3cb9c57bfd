import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src-main/base/index.ts';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { ask, cutLayers, openOn } from '../../src-main/pipeline/testing/scenario.ts';
import { TestNetwork } from '../../src-main/pipeline/testing/test-network.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, tokens: { type: 'string', default: '60' } } });
const [ROUNDS, TOKENS, STAGES, COST_MS] = [Number(args.rounds), Number(args.tokens), 3, 6];
const SESSIONS = [1, 2, 4, 8];

/** What a pass costs: the same for each row (compute bound), or the same however many rows (memory bound: weights are read once). */
type Cost = 'perRow' | 'perPass';

async function open(cost: Cost): Promise<{ network: TestNetwork; pipeline: Pipeline }> {
  const network = await new TestNetwork(cutLayers(STAGES, STAGES)).start();
  for (const node of network.nodes) node.onForward = (batch) => delay(cost === 'perRow' ? COST_MS * batch.length : COST_MS);
  return { network, pipeline: await openOn(network, { contextTokens: 1024 }) };
}

/** Tokens per second of all answers together, between the first token of the last to begin and the end of the first to end. */
async function throughput(pipeline: Pipeline, sessions: number): Promise<number> {
  const timesMs: number[][] = [];
  await Promise.all(Array.from({ length: sessions }, async (_, i) => {
    const times: number[] = [];
    timesMs.push(times);
    for await (const { token } of pipeline.generate(ask({ promptTokens: Int32Array.of(i + 1, 2, 3), maxTokens: TOKENS }))) if (token >= 0) times.push(systemClock.monotonicMs());
  }));
  const from = Math.max(...timesMs.map(([first = 0]) => first));
  const to = Math.min(...timesMs.map((times) => times.at(-1) ?? 0));
  return (timesMs.flat().filter((at) => at > from && at <= to).length * 1000) / (to - from);
}

async function measure(cost: Cost): Promise<Record<string, number[]>> {
  const { network, pipeline } = await open(cost);
  const runs: Record<string, number[]> = Object.fromEntries(SESSIONS.map((count) => [String(count), []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of SESSIONS) runs[String(count)]?.push(await throughput(pipeline, count));
  }
  await pipeline.close();
  await network.stop();
  return runs;
}

async function main(): Promise<void> {
  const host = hostFacts();
  const runs = { perRow: await measure('perRow'), perPass: await measure('perPass') };
  const ratio = (cost: Cost, count: number): number => median((runs[cost][String(count)] ?? []).map((rate, i) => rate / (runs[cost]['1']?.[i] ?? Number.NaN)));
  const ratios = Object.fromEntries((['perRow', 'perPass'] as const).flatMap((cost) => SESSIONS.slice(1).map((count) => [`${cost}${count}`, ratio(cost, count)])));
  const result = { name: 'concurrency', host, model: { stages: STAGES, costMs: COST_MS, simulated: true }, ratios, runs };
  print(result, table(['sessions', 'a row costs 6 ms', 'a pass costs 6 ms'], SESSIONS.map((count) => [count, ratio('perRow', count).toFixed(2), ratio('perPass', count).toFixed(2)])));
}

await main();
