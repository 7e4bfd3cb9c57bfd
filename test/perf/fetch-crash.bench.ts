import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isLeaf, LEAF_BYTES, leafCount, LocalStore } from '../../src-main/store/index.ts';
import { seeded } from '../support/models/index.ts';
import { SaidProcess } from '../support/said-process.ts';
import { writeShard, type ShardFixture } from '../support/shard-files.ts';
import { hostFacts, print } from './lib/report.ts';

const { values: args } = parseArgs({ options: { json: { type: 'boolean' }, kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } } });
const SCRIPT = fileURLToPath(new URL('../support/transfer-peer.ts', import.meta.url));
const LEAVES = 40;
const SOURCES = 2;
/** Of each source: a download lives through some kills. */
const BYTES_PER_SECOND = 5_000_000;
/** Longest life after the first leaf came. */
const LIFE_MS = 1500;

const random = seeded(Number(args.seed));
const folder = await mkdtemp(join(tmpdir(), 'omninode-fetch-crash-'));
const shard = await writeShard(folder, 'shard.bin', LEAVES);
const sources = Array.from({ length: SOURCES }, (_, index) => new SaidProcess(SCRIPT, { home: join(folder, `source-${index}`), files: [shard.path], uploadBytesPerSecond: BYTES_PER_SECOND }));

/** What is on the disk after a kill: leaves that are there, and those of them with other bytes. */
async function inspect(home: string, { tree }: ShardFixture): Promise<{ held: number; corrupt: number }> {
  const store = new LocalStore({ folder: join(home, 'store') });
  const into = Buffer.allocUnsafe(LEAF_BYTES);
  const writer = await store.open(tree);
  const held = Array.from({ length: leafCount(tree.sizeBytes) }, (_, leaf) => leaf).filter((leaf) => writer.has(leaf));
  await writer.close();
  const reader = await store.find(tree.cid);
  let corrupt = 0;
  // A wrong leaf is either refused by the reader or given: both count.
  for (const leaf of held) if (!isLeaf(tree, leaf, await reader?.read(leaf, into).catch(() => new Uint8Array()) ?? new Uint8Array())) corrupt++;
  await reader?.close();
  store.close();
  return { held: held.length, corrupt };
}

const told = ({ said }: SaidProcess): number => Math.max(0, ...said.map((one) => Number(one['bytesDone'] ?? 0)));

async function main(): Promise<void> {
  const host = hostFacts();
  const peers = await Promise.all(sources.map(async (source) => String(((await source.says('ready'))['addresses'] as string[])[0])));
  let [home, homes, done, corrupt, lostMax, twiceBytes] = ['', 0, 0, 0, 0, 0];
  for (let kill = 0; kill < Number(args.kills);) {
    if (home === '') home = join(folder, `home-${homes++}`);
    const before = homes > 0 && kill > 0 ? (await inspect(home, shard)).held : 0;
    const peer = new SaidProcess(SCRIPT, { home, fetch: { shards: [{ cid: shard.cid, sizeBytes: shard.sizeBytes, fileName: 'unused' }], peers } });
    // A kill between the last block and the name leaves nothing to fetch: then it is done at once.
    await Promise.any([peer.says('progress', (said) => Number(said['bytesDone']) > before * LEAF_BYTES), peer.says('done')]);
    await sleep(random() * LIFE_MS);
    await peer.kill();
    const finished = peer.said.find(({ event }) => event === 'done');
    const found = await inspect(home, shard);
    corrupt += found.corrupt;
    lostMax = Math.max(lostMax, Math.ceil(told(peer) / LEAF_BYTES) - found.held);
    twiceBytes += Number(finished?.['bytesTwice'] ?? 0);
    if (finished === undefined) kill++;
    else {
      done++;
      await rm(home, { recursive: true });
      home = '';
    }
    if (kill % 10 === 0) process.stderr.write(`${kill} kills, ${done} whole, ${corrupt} corrupt, at most ${lostMax} lost\n`);
  }
  print({ name: 'fetch-crash', host, kills: Number(args.kills), downloads: done, corrupt, lostBlocksMax: lostMax, bytesTwice: twiceBytes },
    `${args.kills} kills during downloads of ${LEAVES + 1} blocks from ${SOURCES} peers (${done} came whole in between): ${corrupt} corrupt blocks, at most ${lostMax} of those that were told written lost by a kill`);
}

try {
  await main();
} finally {
  await Promise.all(sources.map((source) => source.kill()));
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
