import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { downloadLease, storedBytes, type StoredFile } from '../catalog/index.ts';
import { journalSize } from '../hub/download/journal.ts';
import { journalPath, partialPath } from '../hub/download/partial-file.ts';
import { evict } from './evict.ts';
import { moveToTrash, removeTrash, statOf, type StoreContext } from './context.ts';

/** A file of the store that is not whole: it is being written, or was broken off. */
export interface UnfinishedFile {
  /** Where the whole file will lie. */
  readonly path: string;
  /** What `model add` was asked for, with the commit; of a shard from peers its CID. */
  readonly origin: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** On the disk by now. */
  readonly storedBytes: number;
  /** Counts to the quota: the whole file while a process is at it, else what lies on the disk. */
  readonly countedBytes: number;
  /** The process that is at it; null for what was broken off. */
  readonly pid: number | null;
}

/** What `stat` counts allocated space in (POSIX). */
const STAT_BLOCK_BYTES = 512;

/** All of them, the largest first. */
export function unfinishedFiles({ catalog }: StoreContext, files: readonly StoredFile[] = catalog.shards.files()): UnfinishedFile[] {
  const active = catalog.reservations.active();
  const known = new Map(files.map((file) => [file.path, file]));
  const found = new Map<string, UnfinishedFile>();
  const note = (path: string, file: Pick<UnfinishedFile, 'origin' | 'sizeBytes' | 'storedBytes'>): void => {
    const reserved = active.get(path);
    found.set(path, { path, ...file, countedBytes: Math.max(file.storedBytes, reserved?.sizeBytes ?? 0), pid: reserved?.pid ?? null });
  };
  for (const file of files) if (file.isOwned && file.present !== undefined) note(file.path, { origin: file.cid, sizeBytes: file.sizeBytes, storedBytes: storedBytes(file) });
  for (const { path, origin, sizeBytes } of catalog.reservations.downloads()) {
    if (!known.has(path) && (active.has(path) || statOf(partialPath(path)) !== undefined)) note(path, { origin, sizeBytes, storedBytes: allocatedBytes(partialPath(path), sizeBytes) });
  }
  for (const [path, { sizeBytes }] of active) if (!found.has(path) && !known.has(path)) note(path, { origin: basename(path, '.gguf'), sizeBytes, storedBytes: 0 });
  return [...found.values()].sort((a, b) => b.countedBytes - a.countedBytes || (a.path < b.path ? -1 : 1));
}

// A file that is written at many places at once has holes.
function allocatedBytes(path: string, mostBytes: number): number {
  const found = statOf(path);
  return found === undefined ? 0 : Math.min(mostBytes, found.size, found.blocks * STAT_BLOCK_BYTES);
}

/** Forgets downloads of which nothing lies on the disk, and that nobody is at. */
export function dropGoneDownloads({ catalog }: StoreContext): void {
  const active = catalog.reservations.active();
  for (const { path } of catalog.reservations.downloads()) if (!active.has(path) && statOf(partialPath(path)) === undefined) catalog.reservations.end(path);
}

/** Lists downloads that the catalogue does not know: it was lost, or they are older than the list. */
export async function noteStrayDownloads({ catalog, modelFolder }: StoreContext): Promise<void> {
  if (modelFolder === undefined) return;
  const known = new Set(catalog.reservations.downloads().map(({ path }) => path));
  const names = await readdir(modelFolder, { recursive: true }).catch(() => []);
  for (const name of names.filter((one) => one.toLowerCase().endsWith('.gguf.part'))) {
    const path = join(modelFolder, name.slice(0, -'.part'.length));
    if (known.has(path) || catalog.shards.file(path) !== undefined) continue;
    const sizeBytes = await journalSize(journalPath(path));
    if (sizeBytes !== undefined) catalog.reservations.begin({ path, origin: originOf(relative(modelFolder, path), path), sizeBytes });
  }
}

/** `hf/owner/repo/file.gguf` was `hf:owner/repo/file.gguf`, of a commit that is not known any more. */
export function originOf(name: string, path: string): string {
  const [source, ...rest] = name.split(sep);
  return source === 'hf' && rest.length > 2 ? `hf:${rest.join('/')}` : path;
}

/** Removes what broken-off downloads and fetches left, all or those at `paths`, but shards that are pinned or in use. Returns the bytes freed. */
export async function dropBrokenOff(context: StoreContext, paths?: ReadonlySet<string>): Promise<number> {
  const { catalog } = context;
  let freed = 0;
  for (const { path, storedBytes: bytes, pid } of unfinishedFiles(context)) {
    if (pid !== null || paths?.has(path) === false) continue;
    const shard = catalog.shards.file(path);
    if (shard !== undefined) freed += await evict(context, shard);
    if (shard !== undefined) continue;
    // Somebody may go on with it at this moment: then it stays.
    const trash = catalog.transaction(() => {
      if (catalog.reservations.isActive(path) || catalog.leases.isHeld(downloadLease(path))) return undefined;
      catalog.derived.withdraw(path);
      catalog.reservations.end(path);
      return moveToTrash(partialPath(path));
    });
    if (trash === undefined) continue;
    await removeTrash(trash);
    await rm(journalPath(path), { force: true });
    freed += bytes;
  }
  return freed;
}
