import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HubServer } from '../../src-main/store/hub/testing/hub-server.ts';
import { LEAF_BYTES, locateFile, type DownloadProgress } from '../../src-main/store/index.ts';
import { seeded } from '../support/models/index.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

/** Downloads from a hub on loopback: speed against plain node:http, and what kill -9 costs. See METHODOLOGY.md. */
const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, mib: { type: 'string', default: '256' }, runs: { type: 'string', default: '5' }, kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } } });
const CONNECTIONS = 4;
const CRASH_LEAVES = 64;

const folder = await mkdtemp(join(tmpdir(), 'omninode-hub-bench-'));
const hub = await HubServer.start();
const big = randomBytes(Number(args.mib) * LEAF_BYTES);
const small = randomBytes(CRASH_LEAVES * LEAF_BYTES - 777);
hub.repos.set('bench/model', { files: { 'big.gguf': big, 'small.gguf': small } });
const child = join(import.meta.dirname, 'lib', 'hub-child.ts');
const locate = (name: string) => locateFile(`${hub.url}/bench/model/resolve/main/${name}.gguf`);

interface Told {
  readonly progress?: DownloadProgress;
  readonly elapsedMs?: number;
}

/** Ends with the child; `onTold` may kill it. */
async function run(options: object, onTold: (told: Told, kill: () => void) => void): Promise<void> {
  const process = fork(child, [JSON.stringify({ catalogPath: join(folder, 'catalog.db'), ...options })], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  process.on('message', (told: Told) => onTold(told, () => process.kill('SIGKILL')));
  await once(process, 'exit');
}

const timed = async (options: object): Promise<number> => {
  let ms = Number.NaN;
  await run(options, ({ elapsedMs }) => { ms = elapsedMs ?? ms; });
  return big.length / 1e6 / (ms / 1000);
};

const remote = await locate('big');
const { sha256: _, ...unchecked } = remote;
const plainUrl = `${hub.storageUrl}/bench/model/big.gguf`;
const ways: Readonly<Record<string, (target: string) => object>> = {
  'node:http': (target) => ({ plain: plainUrl, target }),
  'one connection': (target) => ({ remote: unchecked, target, connections: 1 }),
  'four connections': (target) => ({ remote: unchecked, target, connections: CONNECTIONS }),
  'four, with SHA-256': (target) => ({ remote, target, connections: CONNECTIONS }),
};
const runs: { way: string; megabytesPerSecond: number }[] = [];
for (let round = 0; round < Number(args.runs); round++) {
  for (const [way, options] of Object.entries(ways)) {
    const target = join(folder, `${round}.gguf`);
    runs.push({ way, megabytesPerSecond: await timed(options(target)) });
    await rm(target);
  }
}

const random = seeded(Number(args.seed));
const crash = { kills: 0, downloads: 0, corrupt: 0, lostBlocksMax: 0, fetchedTwice: 0 };
const target = join(folder, 'crash.gguf');
while (crash.kills < Number(args.kills)) {
  const noted = await notedLeaves();
  hub.stored.length = 0;
  const killAfterBytes = random() * 12 * LEAF_BYTES;
  let [first, arrived, isDone] = [Number.NaN, 0, false];
  await run({ remote: await locate('small'), target, connections: CONNECTIONS }, ({ progress, elapsedMs }, kill) => {
    isDone ||= elapsedMs !== undefined;
    if (progress?.phase !== 'downloading') return;
    first = Number.isNaN(first) ? progress.bytesDone : first;
    arrived = progress.bytesDone - first;
    if (arrived >= killAfterBytes) kill();
  });
  crash.fetchedTwice += leavesAsked().filter((leaf) => noted.has(leaf)).length;
  if (isDone) {
    crash.downloads++;
    if (!(await readFile(target)).equals(small)) crash.corrupt++;
    await rm(target);
    continue;
  }
  crash.kills++;
  // What had arrived and is not noted was under way: at most one block of each connection.
  const lost = Math.ceil(arrived / LEAF_BYTES) - ((await notedLeaves()).size - noted.size);
  crash.lostBlocksMax = Math.max(crash.lostBlocksMax, lost / CONNECTIONS);
}
await hub.stop();
await rm(folder, { recursive: true, force: true });

async function notedLeaves(): Promise<Set<number>> {
  const text = await readFile(`${target}.part.journal`, 'latin1').catch(() => '');
  return new Set([...text.matchAll(/^(\d+) [0-9a-f]{64}$/gm)].map(([, leaf]) => Number(leaf)));
}

function leavesAsked(): number[] {
  return hub.stored.flatMap(({ range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const [low, high] = [Math.floor(Number(from) / LEAF_BYTES), Math.floor(Number(to) / LEAF_BYTES)];
    return Array.from({ length: high - low + 1 }, (_, index) => low + index);
  });
}

const speed = (way: string): number => median(runs.filter((one) => one.way === way).map((one) => one.megabytesPerSecond));
const base = speed('node:http');
const ratios = { oneVsHttp: speed('one connection') / base, fourVsHttp: speed('four connections') / base, checkedVsHttp: speed('four, with SHA-256') / base };
const rows = Object.keys(ways).map((way) => [way, speed(way).toFixed(0), (speed(way) / base).toFixed(2)]);
print(
  { name: 'hub', host: hostFacts(), mebibytes: Number(args.mib), ratios, crash, seed: Number(args.seed), runs },
  `${table(['way', 'MB/s', '÷ node:http'], rows)}\n\n${crash.kills} kills in ${crash.downloads} downloads: ${crash.corrupt} corrupt, ${crash.fetchedTwice} noted blocks fetched twice, at most ${crash.lostBlocksMax} blocks lost a connection`,
);
process.exitCode = crash.corrupt === 0 && crash.fetchedTwice === 0 && crash.lostBlocksMax <= 1 ? 0 : 1;
