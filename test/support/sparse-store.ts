import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { FileBlockstore, LEAF_BYTES, leafCid, leafHash, LocalStore, treeOfFile } from '../../src-main/store/index.ts';

/** A process that hashes, lists and serves a sparse file of 4 GiB, and tells how much memory it took at most. */
const SIZE_BYTES = 4 * 2 ** 30;
const [folder = ''] = process.argv.slice(2);

const path = join(folder, 'sparse.gguf');
const file = await open(path, 'w');
await file.truncate(SIZE_BYTES);
for (let at = 0; at < SIZE_BYTES; at += SIZE_BYTES / 64) await file.write(`at ${at}`, at);
await file.close();
const { blocks } = await stat(path);

if (blocks * 512 > SIZE_BYTES / 2) process.send?.({ isSparse: false });
else process.send?.({ isSparse: true, ...await hashAndServe() });

async function hashAndServe(): Promise<{ read: number; cid: string; maxRssBytes: number }> {
  const tree = await treeOfFile(path);
  const store = new LocalStore({ folder: join(folder, 'store') });
  await store.add(path, tree);
  const blockstore = new FileBlockstore();
  blockstore.add({ ...tree, path });
  const reader = await store.find(tree.cid);
  let read = 0;
  for (let leaf = 0; leaf < 4096; leaf += 8) {
    read += (await reader!.read(leaf)).length;
    for await (const bytes of blockstore.get(leafCid(leafHash(tree.leafHashes, leaf)))) read += bytes.length;
  }
  for await (const bytes of blockstore.get(CID.parse(tree.cid))) read += bytes.length;
  await reader?.close();
  store.close();
  return { read: Math.floor(read / LEAF_BYTES), cid: tree.cid, maxRssBytes: process.resourceUsage().maxRSS * 1024 };
}
