import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cutModel, LEAF_BYTES, leafCount, leafLength, LocalStore, TreeHasher, type HashedTree } from '../../../src-main/store/index.ts';
import { seeded } from '../../support/models/index.ts';

/** What the crash benchmark does to a store until it is killed, and what it expects to find then. */

export const SHARDS = 3;
const LEAVES = 20;
export const OPERATIONS = ['write', 'cut', 'evict', 'scrub'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Sent over IPC: what is under way, and each leaf once its write resolved. */
export type Told = { readonly doing: Operation } | { readonly begun: number } | { readonly leaf: number };

export const openIn = (home: string): LocalStore => new LocalStore({ folder: join(home, 'store'), ownFolders: [join(home, 'shards')] });

export const cutFolder = (home: string): string => join(home, 'shards', 'cut');

/** Leaf `leaf` of shard `shard`: any bytes that no other leaf has. */
export function leafBytes(shard: number, leaf: number): Buffer {
  return Buffer.alloc(leafLength(shardBytes(shard), leaf), `shard ${shard} leaf ${leaf}; `);
}

const shardBytes = (shard: number): number => LEAVES * LEAF_BYTES - 1000 * shard;

export function treeOf(shard: number): HashedTree {
  const hasher = new TreeHasher(shardBytes(shard));
  for (let leaf = 0; leaf < leafCount(shardBytes(shard)); leaf++) hasher.update(leafBytes(shard, leaf));
  return hasher.finish();
}

const tell = (told: Told): void => void process.send?.(told);

async function write(store: LocalStore, tree: HashedTree, shard: number): Promise<void> {
  const writer = await store.open(tree);
  tell({ begun: shard });
  for (const leaf of [...writer.missing()]) {
    await writer.write(leaf, leafBytes(shard, leaf));
    tell({ leaf });
  }
  await writer.finish();
}

async function cut(store: LocalStore, home: string, model: string): Promise<void> {
  const lease = store.hold(cutFolder(home));
  const manifest = await cutModel({ model, folder: cutFolder(home), plan: { kind: 'per-layer' }, onPiece: (path, tree) => store.add(path, tree) });
  store.addModel(manifest);
  lease.release();
}

/** Random operations, more than half of them writes, each in a store that is opened for it, without end. */
async function crash(home: string, model: string, seed: number): Promise<never> {
  mkdirSync(home, { recursive: true });
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const trees = Array.from({ length: SHARDS }, (_, shard) => treeOf(shard));
  for (;;) {
    const doing = OPERATIONS[below(2 * OPERATIONS.length)] ?? 'write';
    tell({ doing });
    const store = openIn(home);
    const shard = below(SHARDS);
    if (doing === 'write') await write(store, trees[shard] ?? treeOf(shard), shard);
    else if (doing === 'cut') await cut(store, home, model);
    else if (doing === 'evict') await store.gc(below(SHARDS * LEAVES) * LEAF_BYTES);
    else await store.scrub();
    store.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const [home = '', model = '', seed = '0'] = process.argv.slice(2);
  await crash(home, model, Number(seed));
}
