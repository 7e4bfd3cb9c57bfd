import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { blake3 } from '@napi-rs/blake-hash';
import { noMetrics, silentLogger, systemClock } from '../../src-main/base/index.ts';
import { TransferNode } from '../../src-main/host/transfer-node.ts';
import { fileSource, hashTree, type HashedTree } from '../../src-main/store/index.ts';
import { SaidProcess } from '../support/said-process.ts';
import { hostFacts, median, print, table } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, mib: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' }, folder: { type: 'string', default: tmpdir() } } });
const MIB = 1024 * 1024;
const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

type What = 'http' | 'httpNoFile' | 'fetch1' | 'fetch4';
interface Run {
  readonly what: What;
  readonly round: number;
  readonly megabytesPerSecond: number;
}

const folder = await mkdtemp(join(args.folder, 'omninode-store-'));
const children: SaidProcess[] = [];

async function makeFile(): Promise<{ path: string; tree: HashedTree }> {
  const path = join(folder, 'model.bin');
  const file = await open(path, 'w');
  const block = Buffer.allocUnsafe(MIB);
  for (let at = 0; at < Number(args.mib); at++) await file.write(randomFillSync(block));
  await file.close();
  const source = await fileSource(path);
  return { path, tree: await hashTree(source).finally(() => source.close()) };
}

function start(path: string, setup: unknown): SaidProcess {
  const child = new SaidProcess(path, setup as object);
  children.push(child);
  return child;
}

async function timed(what: What, round: number, work: () => Promise<unknown>): Promise<Run> {
  const begunMs = systemClock.monotonicMs();
  await work();
  const run = { what, round, megabytesPerSecond: Number(args.mib) * MIB / 1e3 / (systemClock.monotonicMs() - begunMs) };
  process.stderr.write(`${what} ${run.megabytesPerSecond.toFixed(0)} MB/s\n`);
  return run;
}

async function overHttp(port: number, path: string | undefined): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject));
  if (path === undefined) for await (const _ of response);
  else await pipeline(response, createWriteStream(path));
}

/** From the dial to the file's name: greeting, leaf hashes, every leaf checked and written, fsync. */
async function overMesh(tree: HashedTree, peers: readonly string[], home: string): Promise<void> {
  const node = await TransferNode.create({ identity: { kind: 'ephemeral' }, listen: [], home, logger: silentLogger, metrics: noMetrics });
  await node.start();
  await node.fetch({ shards: [{ cid: tree.cid, sizeBytes: tree.sizeBytes, fileName: 'model.bin' }], peers, urls: [] });
  await node.stop();
}

function hashing(bytes: Buffer, hash: (bytes: Buffer) => unknown): number {
  const begunMs = systemClock.monotonicMs();
  for (let at = 0; at < 64; at++) hash(bytes);
  return 64 * bytes.length / 1e3 / (systemClock.monotonicMs() - begunMs);
}

async function main(): Promise<void> {
  const host = hostFacts();
  const { path, tree } = await makeFile();
  const peers = await Promise.all([0, 1, 2, 3].map(async (index) => {
    const peer = start(script('../support/transfer-peer.ts'), { home: join(folder, `peer-${index}`), files: [path] });
    return String(((await peer.says('ready'))['addresses'] as string[])[0]);
  }));
  const port = Number((await start(script('./lib/http-file.ts'), path).says('ready'))['port']);
  const runs: Run[] = [];
  for (let round = -1; round < Number(args.rounds); round++) {
    const got = join(folder, `got-${round}`);
    const again = async (what: What, work: () => Promise<void>): Promise<void> => {
      const run = await timed(what, round, work);
      // The first round warms caches and compilers.
      if (round >= 0) runs.push(run);
      await rm(got, { recursive: true, force: true });
    };
    await again('http', () => overHttp(port, got));
    await again('httpNoFile', () => overHttp(port, undefined));
    await again('fetch1', () => overMesh(tree, peers.slice(0, 1), got));
    await again('fetch4', () => overMesh(tree, peers, got));
  }
  const of = (what: What): number => median(runs.filter((run) => run.what === what).map(({ megabytesPerSecond }) => megabytesPerSecond));
  const block = randomFillSync(Buffer.allocUnsafe(MIB));
  const hash = { blake3: hashing(block, blake3), sha256: hashing(block, (bytes) => createHash('sha256').update(bytes).digest()) };
  const ratios = { fetchVsHttp1: of('fetch1') / of('http'), fetchVsHttp4: of('fetch4') / of('http'), fetch4Vs1: of('fetch4') / of('fetch1'), fetchVsHttpNoFile1: of('fetch1') / of('httpNoFile'), blake3VsSha256: hash.blake3 / hash.sha256 };
  print({ name: 'store', host, mib: Number(args.mib), ratios, megabytesPerSecond: { http: of('http'), httpNoFile: of('httpNoFile'), fetch1: of('fetch1'), fetch4: of('fetch4'), ...hash }, runs }, [
    `${host.cpu}, ${host.cores} cores, load ${host.loadAtStart.toFixed(2)} at start; ${args.mib} MiB over loopback, median of ${args.rounds}`, '',
    table(['', 'MB/s', '÷ HTTP to a file'], (['http', 'httpNoFile', 'fetch1', 'fetch4'] as const).map((what) => [what, of(what).toFixed(0), (of(what) / of('http')).toFixed(2)])), '',
    `BLAKE3 ${hash.blake3.toFixed(0)} MB/s, SHA-256 ${hash.sha256.toFixed(0)} MB/s`,
  ].join('\n'));
}

try {
  await main();
} finally {
  await Promise.all(children.map((child) => child.kill()));
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
