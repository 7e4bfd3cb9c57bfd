import { fork } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asPeerId, systemClock } from '../../src-main/base/index.ts';
import { createNode, loadSettings, startCluster, type Cluster, type Node, type Settings } from '../../src-main/host/index.ts';
import { appPaths } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import type { GenerationStats, Pipeline } from '../../src-main/pipeline/index.ts';
import { benchModel, GB1 } from './lib/model.ts';
import { hostFacts, median, print, table } from './lib/report.ts';
import type { WholeResult, WholeRun, WholeStart } from './lib/whole-process.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, rounds: { type: 'string', default: '25' }, tokens: { type: 'string', default: '64' },
  model: { type: 'string' }, stages: { type: 'string', default: '2,3' },
} });
const [ROUNDS, TOKENS] = [Number(args.rounds), Number(args.tokens)];
const STAGES = args.stages.split(',').map(Number);
const PROMPT = Int32Array.from({ length: 32 }, (_, i) => 260 + i);
const CONTEXT = 256;

interface Run {
  readonly name: string;
  readonly tokens: readonly number[];
  readonly tokensPerSecond: number;
  readonly stats?: GenerationStats;
}
interface Subject {
  readonly name: string;
  run(): Promise<Run>;
  stop(): Promise<void>;
}

/** One process that holds the whole model; see lib/whole-process.ts. */
function whole(path: string, node: Node, { config }: Settings): Subject {
  const child = fork(join(import.meta.dirname, 'lib', 'whole-process.ts'), { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const options = { path, layers: { first: 0, last: GB1.layers - 1 }, isFirst: true, isLast: true, contextTokens: CONTEXT, maxSessions: 1, batchTokens: CONTEXT, threads: config.threads ?? availableParallelism(), gpuLayers: config.gpuLayers };
  child.send({ options, worker: { nativePath: node.worker.nativePath, librariesFolder: node.worker.librariesFolder } } satisfies WholeStart);
  return {
    name: 'decode1',
    run: async () => {
      child.send({ prompt: [...PROMPT], tokens: TOKENS } satisfies WholeRun);
      const [result] = await once(child, 'message') as [WholeResult];
      return { name: 'decode1', tokens: result.tokens, tokensPerSecond: rate(result.timesMs) };
    },
    stop: () => Promise.resolve(child.disconnect()),
  };
}

const rate = (timesMs: readonly number[]): number => ((timesMs.length - 1) * 1000) / ((timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0));

async function split(stages: number, node: Node, settings: Settings): Promise<Subject> {
  const cluster = await startCluster(settings, { nodes: stages, paths: appPaths() });
  const pipeline = await openPipeline(cluster, node);
  const name = `decode${stages}`;
  return {
    name,
    run: () => decodeSplit(name, pipeline),
    stop: async () => {
      await pipeline.close();
      await cluster.stop();
    },
  };
}

const openPipeline = (cluster: Cluster, node: Node): Promise<Pipeline> => node.coordinator.openPipeline({
  route: cluster.nodes.map(({ peerId, addresses, layers }) => ({ peer: asPeerId(peerId), addresses, layers })),
  modelHash: cluster.model.manifest.model_hash, contextTokens: CONTEXT, batchTokens: CONTEXT, dtype: 'f32',
});

async function decodeSplit(name: string, pipeline: Pipeline): Promise<Run> {
  const generation = pipeline.generate({ promptTokens: PROMPT, sampling: { ...GREEDY, seed: 0 }, maxTokens: TOKENS, endTokens: [] });
  const tokens: number[] = [];
  const timesMs: number[] = [];
  for await (const { token } of generation) {
    tokens.push(token);
    timesMs.push(systemClock.monotonicMs());
  }
  return { name, tokens, tokensPerSecond: rate(timesMs), stats: (await generation.result).stats };
}

function perBoundary(runs: readonly Run[]) {
  const all = runs.flatMap((run) => run.stats?.boundaries ?? []);
  const of = (pick: (b: (typeof all)[number]) => number): number => median(all.map(pick));
  return { compute: of((b) => b.computeMs), serialise: of((b) => b.serialiseMs), wire: of((b) => b.wireMs), wait: of((b) => b.waitMs) };
}

async function main(): Promise<void> {
  const host = hostFacts();
  const path = await benchModel(args.model);
  const settings = await loadSettings({ model: path, home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: CONTEXT });
  const node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  const subjects = [whole(path, node, settings)];
  for (const stages of STAGES) subjects.push(await split(stages, node, settings));
  const rounds: Run[][] = [];
  for (const subject of subjects) await subject.run();
  for (let round = 0; round < ROUNDS; round++) {
    const runs: Run[] = [];
    for (const subject of subjects) runs.push(await subject.run());
    rounds.push(runs);
  }
  for (const subject of subjects) await subject.stop();
  await node.stop();
  report(host, (await stat(path)).size, rounds);
}

function report(host: ReturnType<typeof hostFacts>, sizeBytes: number, rounds: readonly (readonly Run[])[]): void {
  const names = rounds[0]?.map((run) => run.name) ?? [];
  const isExact = rounds.flat().every((run) => run.tokens.join() === rounds[0]?.[0]?.tokens.join());
  const column = (name: string): number[] => rounds.map((runs) => runs.find((run) => run.name === name)?.tokensPerSecond ?? Number.NaN);
  const base = column('decode1');
  const ratios = Object.fromEntries(names.slice(1).map((name) => [name, median(column(name).map((rate, i) => rate / (base[i] ?? Number.NaN)))]));
  const perBoundaryMs = perBoundary(rounds.flat());
  const result = {
    name: 'pipeline', host, model: { name: 'random 1B', sizeBytes, ...GB1 }, exact: isExact, ratios, perBoundaryMs, drafted: rounds.flat().reduce((sum, { stats }) => sum + (stats?.speculation?.drafted ?? 0), 0),
    runs: rounds.map((runs) => Object.fromEntries(runs.map((run) => [run.name, Number(run.tokensPerSecond.toFixed(3))]))),
  };
  const text = [
    `${host.cpu}, ${host.cores} cores, load ${host.loadAtStart.toFixed(2)} at start, tokens ${isExact ? 'equal' : 'DIFFER'}`, '',
    table(['stages', 'tokens/s (median)', '÷ one process'], names.map((name) => [name, median(column(name)).toFixed(2), (ratios[name] ?? 1).toFixed(4)])), '',
    table(['per boundary and token', 'ms'], Object.entries(perBoundaryMs).map(([part, ms]) => [part, ms.toFixed(3)])),
  ].join('\n');
  print(result, text);
}

await main();
