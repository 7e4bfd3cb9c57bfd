import { parseArgs } from 'node:util';
import { churn, type ChurnResult, type Sample } from '../support/churn.ts';
import { createNetwork, loopbackNetwork, type Network } from '../support/network.ts';
import { courseOf, type Course, type Held } from './lib/held.ts';
import { hostFacts, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: {
  json: { type: 'boolean' }, minutes: { type: 'string', default: '2' }, nodes: { type: 'string', default: '20' }, staying: { type: 'string', default: '4' },
  'every-ms': { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' },
} });
const [MINUTES, NODES, STAYING, EVERY_MS] = [Number(args.minutes), Number(args.nodes), Number(args.staying), Number(args['every-ms'])];

/** Each node that stays on a host of its own, the others among them. */
async function place(): Promise<{ readonly network: Network; readonly kind: string }> {
  try {
    return { network: await createNetwork({ hosts: STAYING, rttMs: 0, delayLine: () => Promise.reject(new Error('no delay is asked for')) }), kind: 'namespaces' };
  } catch (error) {
    return { network: loopbackNetwork(1), kind: `loopback: ${error instanceof Error ? error.message.trim() : String(error)}` };
  }
}

type Course3 = Record<'heapMb' | 'residentMb' | 'fds', Course>;

function coursesOf(samples: readonly Sample[]): Course3 {
  const all = samples.map(({ atMs, held: { heapBytes, residentBytes, fds } }): Held & { readonly heapBytes: number } => ({ atMs, residentBytes, fds, threads: 0, heapBytes }));
  return { heapMb: courseOf(all, (held) => held.heapBytes / 1e6), residentMb: courseOf(all, (held) => held.residentBytes / 1e6), fds: courseOf(all, (held) => held.fds) };
}

function report(result: ChurnResult, { host, network, minutes, changes }: { readonly host: ReturnType<typeof hostFacts>; readonly network: string; readonly minutes: number; readonly changes: number }): void {
  const staying = result.samples.map(coursesOf);
  const { samples: _, alone, ...rest } = result;
  const json = { name: 'churn', host, network, minutes, processes: NODES, staying: STAYING, changes, ...rest, heldByThoseThatStay: staying, alone, runs: changes };
  const rows = staying.flatMap((course, i) => Object.entries(course).map(([what, { start, middle, end, perHour }]) => [`node ${i}: ${what}`, ...[start, middle, end, perHour].map((value) => value.toFixed(1))]));
  const ends = alone.map(({ before, after }, i) => [`node ${i}`, before.fds, after.fds, (before.heapBytes / 1e6).toFixed(1), (after.heapBytes / 1e6).toFixed(1)]);
  print(json, `${changes} changes in ${minutes.toFixed(1)} minutes: ${result.ordered} left in order, ${result.killed} were killed, ${result.returned} came back; one again in ${Math.round(result.oneAgainMs)} ms; bad ends: ${result.badEnds.length}\n\n`
    + `${table(['while they come and go', 'start', 'middle', 'end', 'per hour, 2nd half'], rows)}\n\n${table(['alone', 'descriptors before', 'after', 'heap MB before', 'after'], ends)}`);
}

async function main(): Promise<void> {
  const host = hostFacts();
  const { network, kind } = await place();
  // Processes take their time to start: the minutes are those in which they come and go.
  let [startedMs, endedMs, changes]: [number | undefined, number, number] = [undefined, 0, 0];
  const goesOn = (): boolean => {
    endedMs = performance.now();
    startedMs ??= endedMs;
    return endedMs < startedMs + MINUTES * 60_000;
  };
  try {
    const result = await churn({
      hosts: network.hosts, staying: STAYING, coming: NODES, everyMs: EVERY_MS, seed: Number(args.seed), timeoutMs: 300_000,
      goesOn, onChange: (done) => { changes = done; process.stderr.write(`\r${done} changes`); },
    });
    report(result, { host, network: kind, minutes: (endedMs - (startedMs ?? endedMs)) / 60_000, changes });
  } finally {
    network.stop();
  }
}

await main();
