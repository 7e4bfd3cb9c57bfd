import { readdir, rmdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataPath } from '../catalog/index.ts';
import { parseShardCid } from '../dag/index.ts';
import { MANIFEST_CBOR_FILE, MANIFEST_FILE } from '../shard/cut-model.ts';
import { treeOfFile } from '../shard/verify.ts';
import { moveToTrash, removeTrash, statOf, TRASH, type StoreContext } from './context.ts';

/** What only a crash, or an older version, leaves behind. */
const LEFTOVER = /\.(trash|partial|part|gguf)$/;

/**
 * Removes from the store's own folders what no record names: temporary files of writers
 * that died, and cuts that were never listed; whole fetched shards are listed again. A folder in use is left alone. Returns the bytes freed.
 */
export async function sweep(context: StoreContext): Promise<number> {
  let freed = 0;
  for (const folder of context.ownFolders) if (folder !== context.modelFolder) freed += await sweepFolder(context, folder, 2);
  if (context.modelFolder !== undefined) freed += await sweepTrash(context.modelFolder);
  return freed;
}

async function sweepFolder(context: StoreContext, folder: string, depth: number): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  let freed = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth > 0) freed += await sweepFolder(context, path, depth - 1);
    else if (entry.isFile() && LEFTOVER.test(entry.name)) freed += await sweepFile(context, path, folder);
  }
  await dropEmptyCut(context, folder);
  return freed;
}

// Where downloads lie, users may put files too, and a broken-off download is there to go on.
async function sweepTrash(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  let freed = 0;
  for (const path of names.filter((name) => name.endsWith(`.gguf${TRASH}`) || name.endsWith(`.gguf.part${TRASH}`)).map((name) => join(folder, name))) {
    freed += statOf(path)?.size ?? 0;
    await removeTrash(path);
  }
  return freed;
}

async function sweepFile(context: StoreContext, path: string, folder: string): Promise<number> {
  const { catalog } = context;
  if (await adopt(context, path)) return 0;
  const sizeBytes = statOf(path)?.size ?? 0;
  const trash = catalog.transaction(() => {
    const listed = catalog.shards.file(path) ?? catalog.shards.file(path.replace(/\.part$/, ''));
    if ((listed !== undefined && dataPath(listed) === path) || catalog.leases.isHeld(folder)) return undefined;
    return path.endsWith(TRASH) ? path : moveToTrash(path);
  });
  await removeTrash(trash);
  return trash === undefined ? 0 : sizeBytes;
}

// A fetched shard has its CID for a name: where the catalogue was lost, it is listed again after it was hashed.
async function adopt({ catalog, shardFolder }: StoreContext, path: string): Promise<boolean> {
  const cid = basename(path, '.gguf');
  const found = statOf(path);
  if (found === undefined || found.size === 0 || dirname(path) !== shardFolder || parseShardCid(cid) === undefined || catalog.shards.files(cid).length > 0) return false;
  const tree = await treeOfFile(path);
  if (tree.cid !== cid) return false;
  catalog.transaction(() => {
    if (catalog.shards.files(cid).length === 0) catalog.shards.put(tree, { path, mtimeMs: found.mtimeMs, isOwned: true });
  });
  return true;
}

// A cut of which nothing is left but its description.
async function dropEmptyCut({ catalog, ownFolders, shardFolder }: StoreContext, folder: string): Promise<void> {
  if (ownFolders.includes(folder) || folder === shardFolder || catalog.leases.isHeld(folder)) return;
  const left = await readdir(folder).catch(() => ['?']);
  if (left.some((name) => name !== MANIFEST_FILE && name !== MANIFEST_CBOR_FILE)) return;
  for (const name of left) await rm(join(folder, name), { force: true });
  await rmdir(folder).catch(() => undefined);
}
