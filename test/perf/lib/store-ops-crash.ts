import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cutModel, treeOfFile, type LocalStore, type Manifest } from '../../../src-main/store/index.ts';
import { generateModel, seeded } from '../../support/models/index.ts';
import { hostFacts, print, table } from './report.ts';
import { cutFolder, leafBytes, OPERATIONS, openIn, SHARDS, treeOf, type Operation, type Told } from './store-crasher.ts';

/** Writing, cutting, evicting and scrubbing; a part of store-crash.bench.ts. */
const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, kills: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } } });
/** Longest life of a child; a round of all operations takes about as long. */
const LIFE_MS = 1500;

interface Crash {
  readonly doing: Operation;
  /** The shard that was written, and the leaves whose write had resolved. */
  readonly writing: { readonly shard: number; readonly leaves: readonly number[] } | undefined;
}

interface Finding {
  readonly doing: Operation;
  /** Leaves or whole files whose bytes are not those of their CID. */
  readonly corrupt: number;
  /** Leaves that were written when it was killed, and are missing. */
  readonly lost: number;
  readonly written: number;
  readonly scrubDamaged: number;
}

const random = seeded(Number(args.seed));
const folder = await mkdtemp(join(tmpdir(), 'omninode-crash-'));
const home = join(folder, 'home');
const model = join(folder, 'model.gguf');
await generateModel({ path: model, architecture: 'llama', type: 'Q8_0', layers: 8, feedForward: 1024, vocabSize: 2000 });
const manifest = await cutModel({ model, folder: join(folder, 'reference'), plan: { kind: 'per-layer' } });
const trees = Array.from({ length: SHARDS }, (_, shard) => treeOf(shard));

async function killOne(seed: number): Promise<Crash> {
  const child = fork(join(import.meta.dirname, 'store-crasher.ts'), [home, model, String(seed)], { execArgv: [] });
  let doing: Operation = 'write';
  let writing: { shard: number; leaves: number[] } | undefined;
  child.on('message', (told: Told) => {
    if ('doing' in told) [doing, writing] = [told.doing, undefined];
    else if ('begun' in told) writing = { shard: told.begun, leaves: [] };
    else writing?.leaves.push(told.leaf);
  });
  await once(child, 'message');
  await sleep(random() * LIFE_MS);
  child.kill('SIGKILL');
  await once(child, 'close');
  return { doing, writing };
}

async function inspect({ doing, writing }: Crash): Promise<Finding> {
  const store = openIn(home);
  const lost = writing === undefined ? 0 : await lostLeaves(store, writing);
  let corrupt = await corruptCuts(manifest);
  for (let shard = 0; shard < SHARDS; shard++) corrupt += await corruptLeaves(store, shard);
  const { damaged } = await store.scrub();
  store.close();
  return { doing, corrupt, lost, written: writing?.leaves.length ?? 0, scrubDamaged: damaged.length };
}

async function lostLeaves(store: LocalStore, { shard, leaves }: NonNullable<Crash['writing']>): Promise<number> {
  const writer = await store.open(trees[shard]!);
  const lost = leaves.filter((leaf) => !writer.has(leaf)).length;
  await writer.close();
  return lost;
}

/** Every leaf that the store would give away, against the bytes that it should have. */
async function corruptLeaves(store: LocalStore, shard: number): Promise<number> {
  const reader = await store.find(trees[shard]!.cid);
  if (reader === undefined) return 0;
  const held = reader.held();
  let corrupt = 0;
  for (let leaf = 0; leaf < trees[shard]!.leafHashes.length / 32; leaf++) {
    if (held !== 'all' && held !== 'none' && ((held[leaf >> 3] ?? 0) & (1 << (leaf & 7))) === 0) continue;
    const bytes = await reader.read(leaf).catch(() => undefined);
    if (bytes === undefined || Buffer.compare(bytes, leafBytes(shard, leaf)) !== 0) corrupt++;
  }
  await reader.close();
  return corrupt;
}

/** Whatever has the name of a shard of the model would be loaded, listed or not. */
async function corruptCuts({ shards, vocabulary }: Manifest): Promise<number> {
  let corrupt = 0;
  for (const { file_name, cid } of [...shards, vocabulary]) {
    const path = join(cutFolder(home), file_name);
    if (existsSync(path) && (await treeOfFile(path)).cid !== cid) corrupt++;
  }
  return corrupt;
}

const findings: Finding[] = [];
for (let kill = 0; kill < Number(args.kills); kill++) findings.push(await inspect(await killOne(kill + 1000 * Number(args.seed))));

const store = openIn(home);
await store.gc(0);
const leftBehind = (await readdir(home, { recursive: true })).filter((name) => /\.(gguf|part|partial|trash)$/.test(name));
store.close();
await rm(folder, { recursive: true, force: true });

const sum = (of: (finding: Finding) => number, among = findings): number => among.reduce((total, finding) => total + of(finding), 0);
const runs = OPERATIONS.map((doing) => {
  const mine = findings.filter((finding) => finding.doing === doing);
  return { doing, kills: mine.length, corrupt: sum(({ corrupt }) => corrupt, mine), lost: sum(({ lost }) => lost, mine), written: sum(({ written }) => written, mine) };
});
const result = {
  name: 'store-ops-crash', host: hostFacts(), kills: findings.length, corrupt: sum(({ corrupt, scrubDamaged }) => corrupt + scrubDamaged), lostBlocksMax: Math.max(...findings.map(({ lost }) => lost)),
  leftBehind: leftBehind.length, seed: Number(args.seed), runs,
};
print(result, `${table(['killed while', 'kills', 'corrupt', 'written blocks lost', 'written blocks'], runs.map((run) => [run.doing, run.kills, run.corrupt, run.lost, run.written]))}\n\n${result.kills} kills, ${result.corrupt} corrupt, at most ${result.lostBlocksMax} blocks lost by one, ${result.leftBehind} files left behind after gc`);
process.exitCode = result.corrupt === 0 && result.lostBlocksMax <= 1 && result.leftBehind === 0 ? 0 : 1;
