import { stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../../src-main/host/index.ts';
import { createNetwork, loopbackNetwork, type Network } from '../support/network.ts';
import { benchModel, GB1 } from './lib/model.ts';
import { startOmni, type OmniSystem } from './lib/omni-system.ts';
import { hostFacts, print } from './lib/report.ts';
import { buildDelayLine, buildRpc, type RpcPrograms } from './lib/rpc-programs.ts';
import { summarise, tablesOf, type Run } from './lib/rpc-report.ts';
import { startAlone, startRpc } from './lib/rpc-system.ts';
import { msPerToken, type Setup, type System } from './lib/system.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, rounds: { type: 'string', default: '8' }, tokens: { type: 'string', default: '32' },
  model: { type: 'string' }, rtt: { type: 'string', default: '0,10,40' },
} });
const [ROUNDS, TOKENS] = [Number(args.rounds), Number(args.tokens)];
const RTTS_MS = args.rtt.split(',').map(Number);
const STAGES = 2;
const CONTEXT = 256;
// On the random model the longest of some in which plain and repacked weights give the same tokens; a vocabulary may have fewer.
const FIRST_TOKEN = args.model === undefined ? 12_000 : 260;
const PROMPT = Array.from({ length: 32 }, (_, i) => FIRST_TOKEN + i);

/** Both systems, resident on a network of their own: TCP is not asked to live through a change of its path. */
interface Bed {
  readonly rttMs: number;
  readonly network: Network;
  readonly omni: OmniSystem;
  readonly systems: readonly System[];
}

const cleanups: (() => unknown)[] = [];
const settings = await loadSettings({ model: await benchModel(args.model), home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: CONTEXT });
const setup: Setup = { modelPath: settings.config.model, contextTokens: CONTEXT, threads: settings.config.threads ?? availableParallelism() };

async function main(): Promise<void> {
  const host = hostFacts();
  try {
    const { networks, lacks } = await theNetworks();
    const programs = await buildRpc();
    const beds: Bed[] = [];
    for (const [rttMs, network] of networks) beds.push(await makeBed(rttMs, network, programs));
    const runs = await measure(beds);
    await report(runs, { host, beds, lacks });
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** One per round trip time; without namespaces only this machine's loopback. */
async function theNetworks(): Promise<{ networks: Map<number, Network>; lacks?: string }> {
  const networks = new Map<number, Network>();
  const hosts = 1 + STAGES;
  try {
    for (const rttMs of RTTS_MS) {
      const network = await createNetwork({ hosts, rttMs, delayLine: buildDelayLine });
      cleanups.push(() => network.stop());
      networks.set(rttMs, network);
    }
    return { networks };
  } catch (error) {
    const lacks = `only loopback: ${error instanceof Error ? error.message.trim() : String(error)}`;
    return { networks: new Map([[0, loopbackNetwork(hosts)]]), lacks };
  }
}

async function makeBed(rttMs: number, network: Network, programs: RpcPrograms): Promise<Bed> {
  const omni = await startOmni({ ...settings, config: { ...settings.config, threads: setup.threads } }, network);
  cleanups.push(() => omni.stop());
  const rpc = await startRpc(setup, programs, network);
  cleanups.push(() => rpc.stop());
  return { rttMs, network, omni, systems: [omni, rpc, ...rttMs === 0 ? await startReferences(programs) : []] };
}

async function startReferences(programs: RpcPrograms): Promise<System[]> {
  const references: System[] = [];
  for (const layout of ['repacked', 'plain'] as const) {
    const reference = await startAlone(setup, programs, layout);
    cleanups.push(() => reference.stop());
    references.push(reference);
  }
  return references;
}

/** Every round goes through all round trip times, so that a slow minute of the machine meets all of them. */
async function measure(beds: readonly Bed[]): Promise<readonly Run[]> {
  const runs: Run[] = [];
  const work = { prompt: PROMPT, tokens: TOKENS };
  for (const { systems } of beds) for (const system of systems) await system.decode(work);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { rttMs, systems } of beds) {
      for (const system of systems) {
        const decoded = await system.decode(work);
        runs.push({ round, rttMs, system: system.name as Run['system'], msPerToken: msPerToken(decoded), tokens: decoded.tokens });
      }
    }
  }
  return runs;
}

interface Facts {
  readonly host: ReturnType<typeof hostFacts>;
  readonly beds: readonly Bed[];
  readonly lacks: string | undefined;
}

async function report(runs: readonly Run[], { host, beds, lacks }: Facts): Promise<void> {
  const { size: sizeBytes } = await stat(setup.modelPath);
  const summary = summarise(runs, STAGES);
  const delay = beds.map(({ network }) => network.delay).find((by) => by !== 'none') ?? 'none';
  const perRtt = async <T>(of: (bed: Bed) => T | Promise<T>): Promise<Record<string, T>> => Object.fromEntries(await Promise.all(beds.map(async (bed) => [`rtt${bed.rttMs}`, await of(bed)] as const)));
  const result = {
    name: 'rpc', host, model: args.model === undefined ? { name: 'random 1B', sizeBytes, ...GB1 } : { name: args.model, sizeBytes },
    ratios: Object.fromEntries(summary.rtt.map(({ rttMs, ratio }) => [`rtt${rttMs}`, ratio])),
    stages: STAGES, threads: setup.threads, tokens: TOKENS, delay, ...(lacks === undefined ? {} : { lacks }), ...summary,
    roundTripMs: await perRtt(({ omni }) => omni.roundTripMs()), lanes: await perRtt(({ omni }) => omni.lanes()),
    runs: runs.map(({ tokens: _, ...run }) => run),
  };
  const text = [
    `${host.cpu}, ${host.cores} cores, ${setup.threads} threads, load ${host.loadAtStart.toFixed(2)} at start, delay by ${delay}${lacks === undefined ? '' : ` (${lacks})`}`,
    `tokens ${summary.exact ? 'equal' : `DIFFER after ${summary.commonTokens}`}`, '', tablesOf(summary, STAGES),
  ].join('\n');
  print(result, text);
}

// By exit, so that the networks are removed; the processes in them end with their channel to this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main();
