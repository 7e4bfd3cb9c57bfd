import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hostFacts, median, print, table } from './lib/report.ts';
import { LINKS, openLink, type LinkName, type OpenLink } from './mesh/links.ts';
import { OP } from './mesh/ops.ts';

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '15' }, hops: { type: 'string', default: '300' }, links: { type: 'string', default: LINKS.join(',') } },
});
const [ROUNDS, HOPS] = [Number(args.rounds), Number(args.hops)];
const NAMES = LINKS.filter((name) => name === 'tcp' || String(args.links).split(',').includes(name));
const KIB = 1024;
const SIZES = { hop1k: 1 * KIB, hop8k: 8 * KIB, hop32k: 32 * KIB, hop256k: 256 * KIB } as const;
type SizeName = keyof typeof SIZES;
/** Large frames take longer; the time for each size is about the same. */
const SHARE: Readonly<Record<SizeName, number>> = { hop1k: 1, hop8k: 1, hop32k: 0.5, hop256k: 0.15 };
const BULK_MS = 400;
const BULK_FRAME_BYTES = 256 * KIB;
const BULK_UNDER_WAY = 8;

interface Round {
  readonly p50: number;
  readonly p99: number;
}
interface LinkRun {
  /** Microseconds. */
  readonly hops: Readonly<Record<SizeName, Round>>;
  readonly bulkBytesPerSecond: number;
}

async function hop(link: OpenLink, sizeBytes: number, count: number): Promise<Round> {
  const frame = Buffer.alloc(sizeBytes, 0x5a);
  frame[0] = OP.echo;
  const answers = link.stream[Symbol.asyncIterator]();
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedNs = process.hrtime.bigint();
    await link.stream.send(frame);
    const { value, done } = await answers.next();
    all.push(Number(process.hrtime.bigint() - startedNs) / 1000);
    if (done === true || value.byteLength !== sizeBytes) throw new TypeError(`${link.name}: the echo is not what was sent`);
    link.stream.recycle?.(value);
  }
  const sorted = all.sort((a, b) => a - b);
  return { p50: sorted[sorted.length >> 1] ?? Number.NaN, p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN };
}

/** One way, a few frames under way; what was acknowledged counts. */
async function bulk(link: OpenLink): Promise<number> {
  const frame = Buffer.alloc(BULK_FRAME_BYTES, 0x5a);
  frame[0] = OP.sink;
  const answers = link.stream[Symbol.asyncIterator]();
  const startedMs = performance.now();
  let [sent, acknowledged] = [0, 0];
  while (performance.now() - startedMs < BULK_MS || acknowledged < sent) {
    if (sent - acknowledged < BULK_UNDER_WAY && performance.now() - startedMs < BULK_MS) {
      sent++;
      await link.stream.send(frame);
    } else {
      await answers.next();
      acknowledged++;
    }
  }
  return (1000 * acknowledged * BULK_FRAME_BYTES) / (performance.now() - startedMs);
}

async function measure(link: OpenLink): Promise<LinkRun> {
  const hops: Partial<Record<SizeName, Round>> = {};
  for (const [name, sizeBytes] of Object.entries(SIZES) as [SizeName, number][]) hops[name] = await hop(link, sizeBytes, Math.max(10, Math.round(HOPS * SHARE[name])));
  return { hops: hops as LinkRun['hops'], bulkBytesPerSecond: await bulk(link) };
}

type Runs = Readonly<Partial<Record<LinkName, LinkRun>>>;

const child = spawn(process.execPath, [join(import.meta.dirname, 'mesh', 'far-end.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
const runs: Runs[] = [];
const links: OpenLink[] = [];
try {
  const [line] = await once(createInterface(child.stdout), 'line');
  const addresses = JSON.parse(String(line)) as Record<LinkName, string>;
  for (const name of NAMES) links.push(await openLink(name, addresses[name]));
  // Warm: the first round is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    const run: Partial<Record<LinkName, LinkRun>> = {};
    for (const link of links) run[link.name] = await measure(link);
    if (round >= 0) runs.push(run);
  }
} finally {
  child.stdin.end();
  for (const link of links) await link.stop();
}

const overRounds = (of: (run: Runs) => number): number => median(runs.map(of));
const three = (value: number): number => Number(value.toPrecision(3));
const others = NAMES.filter((name) => name !== 'tcp');
const byLink = (of: (run: LinkRun, raw: LinkRun) => number): Partial<Record<LinkName, number>> => Object.fromEntries(others.map((name) => [name, three(overRounds((run) => {
  const [link, raw] = [run[name], run.tcp];
  return link === undefined || raw === undefined ? Number.NaN : of(link, raw);
}))]));

const sizes = Object.keys(SIZES) as SizeName[];
const ratios = {
  ...Object.fromEntries(sizes.map((size) => [size, byLink((link, raw) => link.hops[size].p50 / raw.hops[size].p50)])),
  ...Object.fromEntries(sizes.map((size) => [`${size}P99`, byLink((link, raw) => link.hops[size].p99 / raw.hops[size].p99)])),
  throughput: byLink((link, raw) => link.bulkBytesPerSecond / raw.bulkBytesPerSecond),
};
const micros = Object.fromEntries(NAMES.map((name) => [name, Object.fromEntries(sizes.map((size) => [size, {
  p50: three(overRounds((run) => run[name]?.hops[size].p50 ?? Number.NaN)), p99: three(overRounds((run) => run[name]?.hops[size].p99 ?? Number.NaN)),
}]))]));
const megabytesPerSecond = Object.fromEntries(NAMES.map((name) => [name, three(overRounds((run) => run[name]?.bulkBytesPerSecond ?? Number.NaN) / 1e6)]));

print({
  name: 'mesh', host: hostFacts(), rounds: ROUNDS, hops: HOPS, transports: Object.fromEntries(links.map(({ name, transport }) => [name, transport])), ratios, micros, megabytesPerSecond, runs,
}, table(['link', ...sizes.map((size) => `${size.slice(3)} p50 µs`), '8k p99 µs', '8k ÷ TCP', 'MB/s'], NAMES.map((name) => [
  name, ...sizes.map((size) => micros[name]?.[size]?.p50 ?? '-'), micros[name]?.['hop8k']?.p99 ?? '-', name === 'tcp' ? 1 : byLink((link, raw) => link.hops.hop8k.p50 / raw.hops.hop8k.p50)[name] ?? '-', megabytesPerSecond[name] ?? '-',
])));
