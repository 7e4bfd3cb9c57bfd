import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../../src-main/host/index.ts';
import { createNetwork, loopbackNetwork, type Network } from '../support/network.ts';
import type { OmniDecoded } from './lib/coordinator-process.ts';
import { startOmni, type OmniSystem } from './lib/omni-system.ts';
import { hostFacts, print } from './lib/report.ts';
import { buildDelayLine } from './lib/rpc-programs.ts';
import { guideCases, randomCases, type SpeculateCase, type SpeculateModel } from './lib/speculate-cases.ts';
import { summarise, tableOf, type SpeculateRun } from './lib/speculate-report.ts';
import { msPerToken } from './lib/system.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, tokens: { type: 'string', default: '96' }, stages: { type: 'string', default: '2' },
  model: { type: 'string' }, rtt: { type: 'string', default: '0,10,40' }, threads: { type: 'string' }, models: { type: 'string', default: 'guide,random' },
} });
const [ROUNDS, TOKENS, STAGES] = [Number(args.rounds), Number(args.tokens), Number(args.stages)];
const RTTS_MS = args.rtt.split(',').map(Number);
const THREADS = args.threads === undefined ? availableParallelism() : Number(args.threads);

/** The pipeline of one model, resident on a network of its own. */
interface Bed {
  readonly rttMs: number;
  readonly model: SpeculateModel;
  readonly network: Network;
  readonly omni: OmniSystem;
}

const cleanups: (() => unknown)[] = [];

async function main(): Promise<void> {
  const host = hostFacts();
  try {
    const models = [...args.models.includes('guide') ? [await guideCases()] : [], ...args.models.includes('random') ? [await randomCases(args.model, TOKENS)] : []];
    const { beds, lacks } = await makeBeds(models);
    report(await measure(beds), { host, beds, lacks });
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** Without namespaces there is no round trip time but that of loopback. */
async function makeBeds(models: readonly SpeculateModel[]): Promise<{ beds: Bed[]; lacks?: string }> {
  const beds: Bed[] = [];
  let lacks: string | undefined;
  for (const model of models) {
    for (const rttMs of RTTS_MS) {
      const network = await createNetwork({ hosts: 1 + STAGES, rttMs, delayLine: buildDelayLine }).catch((error: unknown) => {
        lacks = `only loopback: ${error instanceof Error ? error.message.trim() : String(error)}`;
        return rttMs === 0 ? loopbackNetwork(1 + STAGES) : undefined;
      });
      if (network === undefined) continue;
      cleanups.push(() => network.stop());
      const settings = await loadSettings({ model: model.path, home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: model.contextTokens });
      const omni = await startOmni({ ...settings, config: { ...settings.config, threads: THREADS } }, network);
      cleanups.push(() => omni.stop());
      beds.push({ rttMs, model, network, omni });
    }
  }
  return lacks === undefined ? { beds } : { beds, lacks };
}

/** Every round goes through all texts and round trip times, each once without guessing and once with it. */
async function measure(beds: readonly Bed[]): Promise<SpeculateRun[]> {
  const runs: SpeculateRun[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    for (const bed of beds) for (const work of bed.model.cases) {
      const run = await runOf(bed, work, round);
      // The first time warms up.
      if (round >= 0) runs.push(run);
    }
  }
  return runs;
}

async function runOf({ rttMs, model, omni }: Bed, { name, prompt, sampling, tokens }: SpeculateCase, round: number): Promise<SpeculateRun> {
  const decode = (speculate: boolean): Promise<OmniDecoded> => omni.decode({ prompt, sampling, tokens, speculate });
  const [first, second] = [await decode(round % 2 !== 0), await decode(round % 2 === 0)];
  const [off, on] = round % 2 === 0 ? [first, second] : [second, first];
  return {
    round, model: model.name, text: name, rttMs, offMs: msPerToken(off), onMs: msPerToken(on), tokens: tokens - 1,
    drafted: on.speculation?.drafted ?? 0, accepted: on.speculation?.accepted ?? 0, isExact: off.tokens.join() === on.tokens.join(),
  };
}

interface Facts {
  readonly host: ReturnType<typeof hostFacts>;
  readonly beds: readonly Bed[];
  readonly lacks: string | undefined;
}

function report(runs: readonly SpeculateRun[], { host, beds, lacks }: Facts): void {
  const rows = summarise(runs, STAGES);
  const isExact = runs.every((run) => run.isExact);
  const delay = beds.map(({ network }) => network.delay).find((by) => by !== 'none') ?? 'none';
  const result = {
    name: 'speculate', host, model: beds.map(({ model }) => model.name).filter((name, i, all) => all.indexOf(name) === i), exact: isExact, stages: STAGES, threads: THREADS, delay,
    ...(lacks === undefined ? {} : { lacks }), ratios: Object.fromEntries(rows.map(({ model, text, rttMs, ratio }) => [`${model}, ${text}, rtt${rttMs}`, ratio])), rows, runs,
  };
  const text = [
    `${host.cpu}, ${host.cores} cores, ${THREADS} threads, load ${host.loadAtStart.toFixed(2)} at start, delay by ${delay}${lacks === undefined ? '' : ` (${lacks})`}`,
    `tokens ${isExact ? 'equal' : 'DIFFER'}`, '', tableOf(rows, STAGES),
  ].join('\n');
  print(result, text);
}

// By exit, so that the networks are removed; the processes in them end with their channel to this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main();
