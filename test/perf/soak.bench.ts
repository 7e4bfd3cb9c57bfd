import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { asPeerId, systemClock, toCoded } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, startCluster, type Cluster } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { openOver, runOnce, type Stand } from './lib/failover-runs.ts';
import { SMALL, smallModel } from './lib/model.ts';
import { randomOf } from './lib/random.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, minutes: { type: 'string', default: '30' }, clients: { type: 'string', default: '8' }, seed: { type: 'string', default: '1' },
  'leave-every-s': { type: 'string', default: '20' },
} });
const [MINUTES, CLIENTS, LEAVE_EVERY_MS] = [Number(args.minutes), Number(args.clients), 1000 * Number(args['leave-every-s'])];
const [TOKENS, CONTEXT, STAGES, PROMPTS] = [160, 512, 3, 4];
const SAMPLE_EVERY_MS = 5_000;
const random = randomOf(Number(args.seed));
const prompts = Array.from({ length: PROMPTS }, (_, n) => Int32Array.from({ length: 20 + 15 * n }, (_, i) => 260 + ((i * 37 + n * 101) % 3000)));

const counts = { answers: 0, cancelled: 0, wrong: 0, failed: 0, failovers: 0, leaves: 0 };
const failures: { readonly atS: number; readonly message: string }[] = [];
const begunMs = systemClock.monotonicMs();
const memory: { readonly coordinator: number; readonly coordinatorHeap: number; readonly nodes: number }[] = [];
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is in use once all that is not was collected: resident memory also holds what the allocator keeps. */
function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Asks, reads, now and then leaves early or cancels; what was read must be the start of the known answer. */
async function client(pipeline: Pipeline, expected: readonly string[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const which = random(PROMPTS);
    const [cancelAt, isLeaving] = [random(3) === 0 ? 1 + random(TOKENS) : TOKENS + 1, random(2) === 0];
    const cancel = new AbortController();
    const tokens: number[] = [];
    const generation = pipeline.generate({ promptTokens: prompts[which] ?? new Int32Array(), sampling: GREEDY, maxTokens: TOKENS, endTokens: [], signal: cancel.signal });
    try {
      for await (const { token } of generation) {
        if (tokens.push(token) < cancelAt) continue;
        if (isLeaving) break;
        cancel.abort();
      }
      counts[tokens.length < TOKENS ? 'cancelled' : 'answers']++;
    } catch (error) {
      counts.failed++;
      failures.push({ atS: Math.round((systemClock.monotonicMs() - begunMs) / 1000), message: toCoded(error).message });
    }
    counts.failovers += generation.failovers;
    if (!(expected[which] ?? '').startsWith(tokens.join())) counts.wrong++;
  }
}

/** Nodes leave, in order or killed, and others come in their place. */
async function unrest(cluster: Cluster, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(LEAVE_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const victim = cluster.nodes[random(cluster.nodes.length)];
    if (victim === undefined) continue;
    counts.leaves++;
    process.kill(victim.pid, random(2) === 0 ? 'SIGKILL' : 'SIGTERM');
    await delay(LEAVE_EVERY_MS / 4, undefined, { signal }).catch(() => undefined);
    await cluster.revive([asPeerId(victim.peerId)]);
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}

async function watchMemory(cluster: Cluster, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const nodes = await Promise.all(cluster.nodes.map(({ pid }) => residentBytes(pid)));
    memory.push({ coordinator: await residentBytes(process.pid), coordinatorHeap: heapBytes(), nodes: Math.max(0, ...nodes) });
    await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Median of the second quarter and of the last: the first warms up. */
function growth(of: 'coordinator' | 'coordinatorHeap' | 'nodes'): { readonly earlyMb: number; readonly lateMb: number; readonly ratio: number } {
  const quarter = memory.length >> 2;
  const [early, late] = [median(memory.slice(quarter, 2 * quarter).map((one) => one[of])), median(memory.slice(-quarter).map((one) => one[of]))];
  return { earlyMb: Math.round(early / 1e6), lateMb: Math.round(late / 1e6), ratio: late / early };
}

async function soak(stand: Stand): Promise<number> {
  const expected: string[] = [];
  for (const prompt of prompts) expected.push((await runOnce(stand, prompt, { harm: 'kill', stage: -1, atToken: 1, sampling: GREEDY, tokens: TOKENS })).tokens.join());
  const pipeline = await openOver(stand);
  const startedMs = systemClock.monotonicMs();
  const end = AbortSignal.timeout(MINUTES * 60_000);
  await Promise.all([unrest(stand.cluster, end), watchMemory(stand.cluster, end), ...Array.from({ length: CLIENTS }, () => client(pipeline, expected, end))]);
  await pipeline.close();
  return (systemClock.monotonicMs() - startedMs) / 60_000;
}

async function main(): Promise<void> {
  const host = hostFacts();
  const settings = await loadSettings({ model: await smallModel(), home: join(tmpdir(), 'omninode-bench', 'home'), contextTokens: CONTEXT });
  const cluster = await startCluster(settings, { nodes: STAGES, replicas: 2, paths: appPaths() });
  const node = await createNode({ settings, paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  const minutes = await soak({ cluster, node, contextTokens: CONTEXT });
  await node.stop();
  await cluster.stop();
  const result = {
    name: 'soak', host, model: { name: 'random 20M', ...SMALL }, minutes, clients: CLIENTS, ...counts,
    memory: { coordinator: growth('coordinator'), coordinatorHeap: growth('coordinatorHeap'), largestNode: growth('nodes') }, failures: failures.slice(0, 10),
  };
  const { coordinator, coordinatorHeap, largestNode } = result.memory;
  print(result, table(['', ''], [['minutes', minutes.toFixed(1)], ...Object.entries(counts)]) + `\n\n${table(['resident, MB', 'early', 'late', 'late ÷ early'],
    [['coordinator', coordinator.earlyMb, coordinator.lateMb, coordinator.ratio.toFixed(3)], ['its heap after collecting', coordinatorHeap.earlyMb, coordinatorHeap.lateMb, coordinatorHeap.ratio.toFixed(3)], ['largest node', largestNode.earlyMb, largestNode.lateMb, largestNode.ratio.toFixed(3)]])}`);
}

await main();
