import { dirname } from 'node:path';
import { dataPath, storedBytes, type StoredFile } from '../catalog/index.ts';
import { partsOf } from '../gguf/parts.ts';
import { moveToTrash, removeTrash, type StoreContext } from './context.ts';

/** The process that reads, loads, writes or cuts it; undefined when none does. */
export const userOf = ({ catalog }: StoreContext, { cid, path }: Pick<StoredFile, 'cid' | 'path'>): number | undefined =>
  catalog.leases.holder(cid) ?? catalog.leases.holder(dirname(path));

/** What may go at this moment, but for what is to be kept. */
const mayGo = (context: StoreContext, file: StoredFile): boolean =>
  file.isOwned && userOf(context, file) === undefined && !context.catalog.reservations.isActive(file.path);

/**
 * Removes a file of ours unless it is pinned, in use or about to be written, of a model in several files all
 * or none; returns the bytes that this freed. That nobody uses it is checked in the same transaction that takes it away,
 * so a reader that comes later does not find it, and one that came earlier keeps it.
 */
export async function evict(context: StoreContext, file: StoredFile): Promise<number> {
  const { catalog } = context;
  const gone = catalog.transaction(() => {
    const parts = partsOf(file.path).flatMap((path) => catalog.shards.file(path) ?? []);
    if (!parts.every((part) => mayGo(context, part) && !catalog.shards.isPinned(part.cid))) return [];
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

/** Nothing is to be kept beside what is pinned and in use. */
export const NOTHING: ReadonlySet<string> = new Set();

/** Evicts the least recently used until so much is freed, or nothing more may go but the paths in `keep`. Returns the bytes freed. */
export async function evictBytes(context: StoreContext, bytes: number, keep = NOTHING): Promise<number> {
  let freed = 0;
  for (const { cid, isPinned } of context.catalog.shards.uses()) {
    if (freed >= bytes) break;
    if (isPinned) continue;
    for (const file of context.catalog.shards.files(cid)) if (!keep.has(file.path)) freed += await evict(context, file);
  }
  return freed;
}

export function evictableBytes(context: StoreContext, keep = NOTHING): number {
  const { shards } = context.catalog;
  const pinned = new Set(shards.uses().filter((use) => use.isPinned).map((use) => use.cid));
  return shards.files().filter((file) => !pinned.has(file.cid) && !keep.has(file.path) && mayGo(context, file)).reduce((bytes, file) => bytes + storedBytes(file), 0);
}
