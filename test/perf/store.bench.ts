import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { blake3 } from '@napi-rs/blake-hash';
import { noMetrics, silentLogger, systemClock } from '../../src-main/base/index.ts';
import { appPaths } from '../../src-main/host/index.ts';
import { Transfer } from '../../src-main/host/transfer.ts';
import { TransferNode, type TransferShard } from '../../src-main/host/transfer-node.ts';
import { createMesh, type FrameStream } from '../../src-main/mesh/index.ts';
import { ECHO_PROTOCOL, TEST_LIMITS } from '../../src-main/mesh/testing/nodes.ts';
import { PeerProcess } from '../support/peer-processes.ts';
import { fileSource, hashTree, type HashedTree } from '../../src-main/store/index.ts';
import { SaidProcess } from '../support/said-process.ts';
import { hostFacts, median, print, table } from './lib/report.ts';
import { describe, RIVAL_WAYS, runRival, startRivals, type RivalWay } from './store/rivals.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, mib: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' }, hops: { type: 'string', default: '2000' }, folder: { type: 'string' } } });
const MIB = 1024 * 1024;
const GB = Number(args.mib) * MIB / 1e9;
const PEERS = 4;
const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const WAYS = ['http', 'httpNoFile', 'fetch1', 'fetch4', ...RIVAL_WAYS] as const;
type Way = (typeof WAYS)[number];
interface Run {
  readonly way: Way;
  readonly round: number;
  readonly megabytesPerSecond: number;
  /** Peers that delivered something. */
  readonly sources?: number;
  /** Of the process that receives, and of all that send. */
  readonly cpuSecondsPerGb: { readonly receiver: number; readonly senders: number };
}

// In memory where there is such a place: the transfer is measured, not the disk.
const folder = await mkdtemp(join(args.folder ?? (existsSync('/dev/shm') ? '/dev/shm' : tmpdir()), 'omninode-store-'));
const children: SaidProcess[] = [];
const echoes: PeerProcess[] = [];

type Rivals = Awaited<ReturnType<typeof startRivals>>;

async function makeFile(): Promise<{ path: string; tree: HashedTree }> {
  const path = join(folder, 'model.bin');
  const file = await open(path, 'w');
  const block = Buffer.allocUnsafe(MIB);
  for (let at = 0; at < Number(args.mib); at++) await file.write(randomFillSync(block));
  await file.close();
  const source = await fileSource(path);
  return { path, tree: await hashTree(source).finally(() => source.close()) };
}

function start(path: string, setup: object): SaidProcess {
  const child = new SaidProcess(path, setup);
  children.push(child);
  return child;
}

/** Seconds of processor time that a process has had; 0 where the system does not tell. */
function cpuSeconds({ child: { pid } }: SaidProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

async function timed(way: Way, round: number, work: () => Promise<unknown>): Promise<Run> {
  const sendersCpu = (): number => children.reduce((sum, child) => sum + cpuSeconds(child), 0);
  const [begunMs, before, sendersBefore] = [systemClock.monotonicMs(), process.cpuUsage(), sendersCpu()];
  await work();
  const [ms, { user, system }] = [systemClock.monotonicMs() - begunMs, process.cpuUsage(before)];
  return { way, round, megabytesPerSecond: GB * 1e6 / ms, cpuSecondsPerGb: { receiver: (user + system) / 1e6 / GB, senders: (sendersCpu() - sendersBefore) / GB } };
}

async function overHttp(port: number, path: string | undefined): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject));
  if (path === undefined) for await (const _ of response);
  else await pipeline(response, createWriteStream(path));
}

/** All ways in turn, `rounds` times; a first round warms caches and compilers. */
async function compare(file: TransferShard, { peers, port, rivals }: { readonly peers: readonly string[]; readonly port: number; readonly rivals: Rivals }): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = -1; round < Number(args.rounds); round++) {
    const home = join(folder, `home-${round}`);
    const path = join(folder, 'got.bin');
    runs.push(await timed('http', round, () => overHttp(port, path)), await timed('httpNoFile', round, () => overHttp(port, undefined)));
    for (const [way, from] of [['fetch1', peers.slice(0, 1)], ['fetch4', peers]] as const) {
      const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen: [], home: join(home, way), logger: silentLogger, metrics: noMetrics });
      await node.start();
      // From the dial to the file's name: greeting, leaf hashes, every leaf checked, written and noted.
      let sources = 0;
      const run = await timed(way, round, async () => { sources = (await node.fetch({ shards: [file], peers: from, urls: [] })).sources.filter(({ bytes }) => bytes > 0).length; });
      runs.push({ ...run, sources });
      await node.stop();
    }
    for (const way of RIVAL_WAYS) {
      const rival = rivals[way];
      if ('what' in rival) runs.push(await runRival(rival, (fetch) => timed(way, round, fetch)));
    }
    await rm(home, { recursive: true });
  }
  return runs.filter(({ round }) => round >= 0);
}

/** Round trips of 8 KiB on a stream of the mesh, µs. */
async function hops(stream: FrameStream, isOver: () => boolean): Promise<number[]> {
  const frame = randomFillSync(Buffer.allocUnsafe(8192));
  const reader = stream[Symbol.asyncIterator]();
  const times: number[] = [];
  while (times.length < Number(args.hops) && !isOver()) {
    const begunMs = systemClock.monotonicMs();
    await stream.send(frame);
    await reader.next();
    times.push(1000 * (systemClock.monotonicMs() - begunMs));
  }
  return times;
}

/** The same stream idle and while a transfer runs: in the process of its own, and (what that is for) in this one. */
async function measureHops(file: TransferShard, peers: readonly string[]) {
  const echo = new PeerProcess();
  echoes.push(echo);
  const address = String(((await echo.said('ready'))['addresses'] as string[])[0]);
  const parts = { logger: silentLogger, metrics: noMetrics, clock: systemClock };
  const mesh = await createMesh({ listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'bench' }, parts);
  await mesh.start();
  const stream = await mesh.open(await mesh.dial(address), ECHO_PROTOCOL, { limits: TEST_LIMITS });
  const during = async (fetch: () => Promise<unknown>): Promise<number[]> => {
    let isOver = false;
    const fetching = fetch().finally(() => { isOver = true; });
    const times = await hops(stream, () => isOver);
    await fetching;
    return times;
  };
  const all: Record<'idle' | 'ownProcess' | 'sameProcess', number[]> = { idle: [], ownProcess: [], sameProcess: [] };
  await hops(stream, () => false);
  for (let round = 0; round < Number(args.rounds); round++) {
    const homes = ['own', 'same'].map((name) => join(folder, `hop-${name}-${round}`));
    const transfer = await Transfer.start({ home: homes[0] ?? '', logLevel: 'silent', listen: [], processPath: appPaths().transferProcess });
    const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen: [], home: homes[1] ?? '', ...parts });
    await node.start();
    all.idle.push(median(await hops(stream, () => false)));
    all.ownProcess.push(median(await during(() => transfer.fetch({ shards: [file], peers: peers.slice(0, 1), urls: [] }))));
    all.sameProcess.push(median(await during(() => node.fetch({ shards: [file], peers: peers.slice(0, 1), urls: [] }))));
    await transfer.stop();
    await node.stop();
    for (const home of homes) await rm(home, { recursive: true });
  }
  await mesh.stop();
  return { idleUs: median(all.idle), ownProcessUs: median(all.ownProcess), sameProcessUs: median(all.sameProcess), rounds: all };
}

function hashing(bytes: Buffer, hash: (bytes: Buffer) => unknown): number {
  const begunMs = systemClock.monotonicMs();
  for (let at = 0; at < 64; at++) hash(bytes);
  return 64 * bytes.length / 1e3 / (systemClock.monotonicMs() - begunMs);
}

async function main(): Promise<void> {
  const host = hostFacts();
  const { path, tree } = await makeFile();
  const file: TransferShard = { cid: tree.cid, sizeBytes: tree.sizeBytes, fileName: 'model.bin' };
  const peers = await Promise.all(Array.from({ length: PEERS }, async (_, index) => {
    const peer = start(script('../support/transfer-peer.ts'), { home: join(folder, `peer-${index}`), files: [path] });
    return String(((await peer.says('ready'))['addresses'] as string[])[0]);
  }));
  const port = Number((await start(script('./lib/http-file.ts'), { path }).says('ready'))['port']);
  const rivals = await startRivals({ path, sizeBytes: tree.sizeBytes, hash: tree.hash }, { folder, start });
  const runs = await compare(file, { peers, port, rivals });
  const hop = await measureHops(file, peers);
  const of = (way: Way, value: (run: Run) => number): number => median(runs.filter((run) => run.way === way).map(value));
  const speed = (way: Way): number => of(way, (run) => run.megabytesPerSecond);
  const inRound = (way: Way, round: number): number => median(runs.filter((run) => run.way === way && run.round === round).map((run) => run.megabytesPerSecond));
  const ratio = (way: Way, base: Way): number => median([...new Set(runs.map((run) => run.round))].map((round) => inRound(way, round) / inRound(base, round)));
  /** Null where there is nobody to compare with. */
  const versus = (way: RivalWay): number | null => ('what' in rivals[way] ? ratio('fetch1', way) : null);
  const block = randomFillSync(Buffer.allocUnsafe(MIB));
  const hash = { blake3: hashing(block, blake3), sha256: hashing(block, (bytes) => createHash('sha256').update(bytes).digest()) };
  const ratios = {
    fetchVsHttp1: ratio('fetch1', 'http'), fetchVsHttp4: ratio('fetch4', 'http'), fetch4Vs1: ratio('fetch4', 'fetch1'),
    fetchVsBitswap: versus('bitswap'), fetchVsIroh: versus('iroh'),
    hopOwnProcessVsIdle: hop.ownProcessUs / hop.idleUs, hopSameProcessVsIdle: hop.sameProcessUs / hop.idleUs, blake3VsSha256: hash.blake3 / hash.sha256,
  };
  const ways = WAYS.filter((way) => runs.some((run) => run.way === way));
  const row = (way: Way): (string | number)[] => [way, speed(way).toFixed(0), ratio(way, 'http').toFixed(2), of(way, (run) => run.cpuSecondsPerGb.receiver).toFixed(2), of(way, (run) => run.cpuSecondsPerGb.senders).toFixed(2)];
  print({ name: 'store', host, mib: Number(args.mib), ratios, megabytesPerSecond: Object.fromEntries(ways.map((way) => [way, speed(way)])), rivals: { bitswap: describe(rivals.bitswap), iroh: describe(rivals.iroh) }, hash, hop, runs }, [
    `${host.cpu}, ${host.cores} cores, load ${host.loadAtStart.toFixed(2)} at start; ${args.mib} MiB over loopback, median of ${args.rounds}`, '',
    table(['', 'MB/s', '÷ HTTP to a file', 'CPU-s per GB: receiver', 'senders'], ways.map(row)), '',
    table(['8 KiB hop', 'p50 µs', '÷ idle'], [['idle', hop.idleUs.toFixed(0), '1'], ['transfer in a process of its own', hop.ownProcessUs.toFixed(0), ratios.hopOwnProcessVsIdle.toFixed(2)], ['transfer in the same process', hop.sameProcessUs.toFixed(0), ratios.hopSameProcessVsIdle.toFixed(2)]]), '',
    `BLAKE3 ${hash.blake3.toFixed(0)} MB/s, SHA-256 ${hash.sha256.toFixed(0)} MB/s`,
  ].join('\n'));
}

try {
  await main();
} finally {
  await Promise.all(children.map((child) => child.kill()));
  echoes.forEach((echo) => echo.kill());
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
