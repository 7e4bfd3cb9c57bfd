import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { asPeerId, systemClock, toCoded } from '../../src-main/base/index.ts';
import { appPaths, createNode, loadSettings, startCluster, type Cluster } from '../../src-main/host/index.ts';
import { GREEDY } from '../../src-main/inference/index.ts';
import type { Pipeline } from '../../src-main/pipeline/index.ts';
import { openOver, runOnce, type Stand } from './lib/failover-runs.ts';
import { courseOf, heldBy, heldByUs, type Course, type Held, type OwnHeld } from './lib/held.ts';
import { SMALL, smallModel } from './lib/model.ts';
import { randomOf } from './lib/random.ts';
import { hostFacts, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, minutes: { type: 'string', default: '30' }, clients: { type: 'string', default: '8' }, seed: { type: 'string', default: '1' },
  'leave-every-s': { type: 'string', default: '20' }, spare: { type: 'string', default: '1' },
} });
const [MINUTES, CLIENTS, LEAVE_EVERY_MS] = [Number(args.minutes), Number(args.clients), 1000 * Number(args['leave-every-s'])];
const [TOKENS, CONTEXT, STAGES, PROMPTS] = [160, 512, 3, 4];
const SAMPLE_EVERY_MS = 5_000;
const random = randomOf(Number(args.seed));
const prompts = Array.from({ length: PROMPTS }, (_, n) => Int32Array.from({ length: 20 + 15 * n }, (_, i) => 260 + ((i * 37 + n * 101) % 3000)));

const counts = { answers: 0, cancelled: 0, wrong: 0, failed: 0, failovers: 0, leaves: 0 };
const failures: { readonly atS: number; readonly message: string }[] = [];
const begunMs = systemClock.monotonicMs();
const ours: OwnHeld[] = [];
/** Of each process that computes a stage, by its id. */
const theirs = new Map<number, Held[]>();
/** The place of a node that never leaves, so that what a node gathers over the whole time is seen; -1: all leave. */
const SPARED = Number(args.spare);

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
    const leaving = cluster.nodes.filter(({ index }) => index !== SPARED);
    const victim = leaving[random(leaving.length)];
    if (victim === undefined) continue;
    counts.leaves++;
    process.kill(victim.pid, random(2) === 0 ? 'SIGKILL' : 'SIGTERM');
    await delay(LEAVE_EVERY_MS / 4, undefined, { signal }).catch(() => undefined);
    await cluster.revive([asPeerId(victim.peerId)]);
  }
}

async function watchMemory(cluster: Cluster, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const { pid } of cluster.nodes) {
      const held = await heldBy(pid);
      if (held !== undefined) theirs.set(pid, [...theirs.get(pid) ?? [], held]);
    }
    const held = await heldByUs();
    if (held !== undefined) ours.push(held);
    await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

const inMb = ({ start, middle, end, perHour }: Course): Course => ({ start: start / 1e6, middle: middle / 1e6, end: end / 1e6, perHour: perHour / 1e6 });

/** Resident memory and what it is made of in MB, the rest in pieces. */
function courses(samples: readonly Held[]): Record<string, Course> {
  return { resident: inMb(courseOf(samples, (held) => held.residentBytes)), fds: courseOf(samples, (held) => held.fds), threads: courseOf(samples, (held) => held.threads) };
}

const ownCourses = (): Record<string, Course> => ({
  ...courses(ours), heap: inMb(courseOf(ours, (held) => held.heapBytes)), young: inMb(courseOf(ours, (held) => held.youngBytes)), external: inMb(courseOf(ours, (held) => held.externalBytes)),
});

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
  const longest = [...theirs.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  const result = {
    name: 'soak', host, heapFlags: process.execArgv, model: { name: 'random 20M', ...SMALL }, minutes, clients: CLIENTS, ...counts,
    memory: { coordinator: ownCourses(), oldestNode: { samples: longest.length, ...courses(longest) } }, failures: failures.slice(0, 10),
  };
  const rows = Object.entries({ coordinator: ownCourses(), 'oldest node': courses(longest) })
    .flatMap(([of, each]) => Object.entries(each).map(([what, { start, middle, end, perHour }]) => [`${of}: ${what}`, ...[start, middle, end, perHour].map((value) => value.toFixed(1))]));
  print(result, table(['', ''], [['minutes', minutes.toFixed(1)], ...Object.entries(counts)]) + `\n\n${table(['MB or pieces', 'start', 'middle', 'end', 'per hour, 2nd half'], rows)}`);
}

await main();
