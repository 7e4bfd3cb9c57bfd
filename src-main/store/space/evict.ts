import { dirname } from 'node:path';
import { dataPath, storedBytes, type StoredFile } from '../catalog/index.ts';
import { spaceErrors } from '../errors.ts';
import { moveToTrash, removeTrash, type StoreContext } from './context.ts';

/** What stays free on the disk whatever is stored: a full disk stops more than us. */
export const DISK_MARGIN_BYTES = 256 * 1024 * 1024;

export const usedBytes = ({ catalog }: StoreContext): number =>
  catalog.shards.files().filter(({ isOwned }) => isOwned).reduce((bytes, file) => bytes + storedBytes(file), 0);

/** The process that reads, loads, writes or cuts it; undefined when none does. */
export const userOf = ({ catalog }: StoreContext, { cid, path }: Pick<StoredFile, 'cid' | 'path'>): number | undefined =>
  catalog.leases.holder(cid) ?? catalog.leases.holder(dirname(path));

/**
 * Removes a file of ours unless it is pinned or in use; returns the bytes that this
 * freed. That nobody uses it is checked in the same transaction that takes it away,
 * so a reader that comes later does not find it, and one that came earlier keeps it.
 */
export async function evict(context: StoreContext, file: StoredFile): Promise<number> {
  const { catalog } = context;
  const [bytes, trash] = catalog.transaction(() => {
    const now = catalog.shards.file(file.path);
    if (now === undefined || !now.isOwned || catalog.shards.isPinned(now.cid) || userOf(context, now) !== undefined) return [0, undefined];
    const taken = moveToTrash(dataPath(now));
    catalog.shards.delete(now.path);
    return [storedBytes(now), taken];
  });
  await removeTrash(trash);
  return bytes;
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
 * Makes room for `needBytes` more, by quota and on the disk, at the cost of what was
 * not used for longest. Throws SPACE_QUOTA, SPACE_DISK_FULL: then what could not help was left alone.
 */
export async function makeRoom(context: StoreContext, needBytes: number): Promise<void> {
  const { quotaBytes, files, shardFolder } = context;
  const used = usedBytes(context);
  const free = await files.freeBytes(shardFolder);
  const overQuota = used + needBytes - quotaBytes;
  const overDisk = needBytes + DISK_MARGIN_BYTES - free;
  const over = Math.max(overQuota, overDisk);
  if (over <= 0) return;
  if (over <= evictableBytes(context) && await evictDownTo(context, used - over) >= over) return;
  throw overQuota >= overDisk ? spaceErrors.quota({ needBytes, usedBytes: used, quotaBytes }) : spaceErrors.diskFull({ needBytes, freeBytes: free });
}

export function evictableBytes(context: StoreContext): number {
  const pinned = new Set(context.catalog.shards.uses().filter((use) => use.isPinned).map((use) => use.cid));
  return context.catalog.shards.files().filter((file) => file.isOwned && !pinned.has(file.cid) && userOf(context, file) === undefined).reduce((bytes, file) => bytes + storedBytes(file), 0);
}
