import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appPaths, createNode, loadSettings, startCluster, type Place } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import { runOnce, SEEDED, type FailoverResult, type FailoverRun, type Harm, type Stand } from './lib/failover-runs.ts';
import { createNetwork, forkOn, type NetworkHost } from '../support/network.ts';
import { SMALL, smallModel } from './lib/model.ts';
import { randomOf } from './lib/random.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, runs: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' },
  /** Used by the bench itself: the hosts of the network that it runs in. */
  hosts: { type: 'string' },
  'heartbeat-ms': { type: 'string', default: '500' }, 'timeout-ms': { type: 'string', default: '1500' },
} });
const [TOKENS, CONTEXT, STAGES] = [240, 512, 3];
const PROMPT = Int32Array.from({ length: 60 }, (_, i) => 260 + ((i * 37) % 3000));
const coordinator = { heartbeatMs: Number(args['heartbeat-ms']), heartbeatTimeoutMs: Number(args['timeout-ms']) };

interface Done extends FailoverResult {
  readonly run: FailoverRun;
  readonly isExact: boolean;
}

function plan(count: number): FailoverRun[] {
  const random = randomOf(Number(args.seed));
  // The stages run up to 64 tokens ahead of the reader, so that a harm later than that would come after the end.
  const harms: readonly Harm[] = args.hosts === undefined ? ['kill', 'kill', 'kill', 'freeze'] : ['kill', 'kill', 'freeze', 'cut'];
  return Array.from({ length: count }, () => {
    const stage = random(STAGES);
    const run = { harm: harms[random(harms.length)] ?? 'kill', stage, atToken: 1 + random(TOKENS - 80), sampling: random(2) === 0 ? GREEDY : SEEDED, tokens: TOKENS };
    return random(4) === 0 ? { ...run, also: [(stage + 1) % STAGES] } : run;
  });
}

async function all(stand: Stand, runs: readonly FailoverRun[]): Promise<Done[]> {
  const undisturbed = async (sampling: FailoverRun['sampling']): Promise<string> => (await runOnce(stand, PROMPT, { harm: 'kill', stage: -1, atToken: 1, sampling, tokens: TOKENS })).tokens.join();
  const expected = new Map([[GREEDY, await undisturbed(GREEDY)], [SEEDED, await undisturbed(SEEDED)]]);
  const done: Done[] = [];
  for (const run of runs) {
    const result = await runOnce(stand, PROMPT, run);
    const wanted = expected.get(run.sampling) ?? '';
    done.push({ ...result, run, isExact: result.error === undefined ? result.tokens.join() === wanted : wanted.startsWith(result.tokens.join()) });
    process.stderr.write(`\r${done.length} of ${runs.length}`);
  }
  return done;
}

function percentiles(done: readonly Done[], harm: Harm): { readonly runs: number; readonly p50: number; readonly p99: number } {
  const values = done.filter(({ run, lossToNextTokenMs }) => run.harm === harm && lossToNextTokenMs !== undefined).map(({ lossToNextTokenMs = 0 }) => lossToNextTokenMs).toSorted((a, b) => a - b);
  return { runs: values.length, p50: Math.round(median(values)), p99: Math.round(values[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN) };
}

function report(host: ReturnType<typeof hostFacts>, done: readonly Done[]): void {
  const [killed, frozen, cut] = [percentiles(done, 'kill'), percentiles(done, 'freeze'), percentiles(done, 'cut')];
  const exact = done.filter(({ error, isExact }) => error === undefined && isExact).length;
  const clearErrors = done.filter(({ error, isExact }) => error !== undefined && isExact).length;
  const result = {
    name: 'failover', host, model: { name: 'random 20M', ...SMALL }, coordinator, network: args.hosts === undefined ? 'loopback' : 'namespaces',
    runs: done.length, exact, clearErrors, wrong: done.length - exact - clearErrors,
    twoStagesLost: done.filter(({ run }) => run.also !== undefined).length, failedOver: done.filter(({ failovers }) => failovers > 0).length, lossToNextTokenMs: { p50: killed.p50, p99: killed.p99 }, byHarm: { killed, frozen, cut },
    wrongRuns: done.flatMap(({ run, isExact, failovers }) => (isExact ? [] : [{ ...run, failovers }])),
    errors: done.flatMap(({ run, error }) => (error === undefined ? [] : [{ ...run, code: error.code, message: error.message }])),
  };
  const rows = Object.entries(result.byHarm).filter(([, { runs }]) => runs > 0).map(([how, { runs, p50, p99 }]) => [how, runs, p50, p99]);
  print(result, table(['stage', 'answers', 'ms to the next token, p50', 'p99'], rows)
    + `\n\n${done.length} runs: ${exact} exact, ${clearErrors} with a clear error, ${result.wrong} wrong.`);
}

/** Each node, and the bench itself, on a host of its own. False: this machine has no namespaces for us. */
async function inNetwork(): Promise<boolean> {
  const network = await createNetwork({ hosts: STAGES + 1, rttMs: 0, delayLine: () => Promise.reject(new Error('no delay is asked for')) }).catch(() => undefined);
  const [own, ...nodes] = network?.hosts ?? [];
  if (network === undefined || own === undefined) return false;
  const bench = forkOn(own, import.meta.filename, [...process.argv.slice(2), '--hosts', JSON.stringify([own, ...nodes])]);
  const [code] = await once(bench, 'exit');
  network.stop();
  process.exitCode = Number(code ?? 1);
  return true;
}

function placed(hosts: readonly NetworkHost[]): { readonly place: (index: number) => Place } {
  return { place: (index) => {
    const host = hosts[index] ?? { name: '', address: '127.0.0.1', prefix: [] };
    return { spawn: (module) => forkOn(host, module), listen: [`/ip4/${host.address}/tcp/0`] };
  } };
}

async function main(): Promise<void> {
  if (args.hosts === undefined && await inNetwork()) return;
  const host = hostFacts();
  const [own, ...hosts] = JSON.parse(args.hosts ?? '[]') as NetworkHost[];
  const settings = await loadSettings({ model: await smallModel(), home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: CONTEXT, ...(own === undefined ? {} : { listen: [`/ip4/${own.address}/tcp/0`] }) });
  const cluster = await startCluster(settings, { nodes: STAGES, replicas: STAGES, paths: appPaths(), ...(own === undefined ? {} : placed(hosts)) });
  const node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral', coordinator });
  await node.start();
  const done = await all({ cluster, node, contextTokens: CONTEXT, ...(own === undefined ? {} : { hosts }) }, plan(Number(args.runs)));
  await node.stop();
  await cluster.stop();
  report(host, done);
}

await main();
