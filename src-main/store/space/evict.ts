import { dirname } from 'node:path';
import { dataPath, storedBytes, type StoredFile } from '../catalog/index.ts';
import { spaceErrors } from '../errors.ts';
import { partsOf } from '../gguf/parts.ts';
import { moveToTrash, removeTrash, type StoreContext } from './context.ts';

/** What stays free on the disk whatever is stored: a full disk stops more than us. */
export const DISK_MARGIN_BYTES = 256 * 1024 * 1024;

export const usedBytes = ({ catalog }: StoreContext): number =>
  catalog.shards.files().filter(({ isOwned }) => isOwned).reduce((bytes, file) => bytes + storedBytes(file), 0);

/** The process that reads, loads, writes or cuts it; undefined when none does. */
export const userOf = ({ catalog }: StoreContext, { cid, path }: Pick<StoredFile, 'cid' | 'path'>): number | undefined =>
  catalog.leases.holder(cid) ?? catalog.leases.holder(dirname(path));

/**
 * Removes a file of ours unless it is pinned or in use, of a model in several files all
 * or none; returns the bytes that this freed. That nobody uses it is checked in the same transaction that takes it away,
 * so a reader that comes later does not find it, and one that came earlier keeps it.
 */
export async function evict(context: StoreContext, file: StoredFile): Promise<number> {
  const { catalog } = context;
  const gone = catalog.transaction(() => {
    const parts = partsOf(file.path).flatMap((path) => catalog.shards.file(path) ?? []);
    if (!parts.every((part) => part.isOwned && !catalog.shards.isPinned(part.cid) && userOf(context, part) === undefined)) return [];
    return parts.map((part) => takeAway(context, part));
  });
  for (const { trash } of gone) await removeTrash(trash);
  return gone.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Forgets a file and takes it out of sight, inside a transaction. Removing `trash` comes after. */
export function takeAway({ catalog }: StoreContext, file: StoredFile): { readonly bytes: number; readonly trash: string | undefined } {
  const trash = moveToTrash(dataPath(file));
  catalog.shards.delete(file.path);
  return { bytes: storedBytes(file), trash };
}

/** Evicts the least recently used until at most `targetBytes` are used, or nothing more may go. Returns the bytes freed. */
export async function evictDownTo(context: StoreContext, targetBytes: number): Promise<number> {
  const used = usedBytes(context);
  let freed = 0;
  for (const { cid, isPinned } of context.catalog.shards.uses()) {
    if (used - freed <= targetBytes) break;
    if (isPinned) continue;
    for (const file of context.catalog.shards.files(cid)) freed += await evict(context, file);
  }
  return freed;
}

/**
 * Makes room for `needBytes` more, by quota and on the disk (there only `diskBytes`, when a
 * part lies there already), at the cost of what was not used for longest. Throws SPACE_QUOTA, SPACE_DISK_FULL: then what could not help was left alone.
 */
export async function makeRoom(context: StoreContext, needBytes: number, diskBytes = needBytes): Promise<void> {
  const { quotaBytes, files, shardFolder } = context;
  const used = usedBytes(context);
  const free = await files.freeBytes(shardFolder);
  const overQuota = used + needBytes - quotaBytes;
  const overDisk = diskBytes === 0 ? 0 : diskBytes + DISK_MARGIN_BYTES - free;
  const over = Math.max(overQuota, overDisk);
  if (over <= 0) return;
  if (over <= evictableBytes(context) && await evictDownTo(context, used - over) >= over) return;
  throw overQuota >= overDisk ? spaceErrors.quota({ needBytes, usedBytes: used, quotaBytes }) : spaceErrors.diskFull({ needBytes: diskBytes, freeBytes: free });
}

export function evictableBytes(context: StoreContext): number {
  const pinned = new Set(context.catalog.shards.uses().filter((use) => use.isPinned).map((use) => use.cid));
  return context.catalog.shards.files().filter((file) => file.isOwned && !pinned.has(file.cid) && userOf(context, file) === undefined).reduce((bytes, file) => bytes + storedBytes(file), 0);
}
