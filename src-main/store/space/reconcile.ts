import { renameSync } from 'node:fs';
import { leafCount, LeafSet } from '../dag/index.ts';
import { dataPath, writeLease, type StoredFile } from '../catalog/index.ts';
import { isThere } from './derived-reader.ts';
import { statOf, type StoreContext } from './context.ts';
import { dropGoneDownloads } from './unfinished.ts';

/**
 * Brings the catalogue and the disk together after a crash: forgets files that are
 * gone; a file that was just being renamed is partial again, with every leaf to be hashed.
 * A few microseconds a file.
 */
export function reconcile(context: StoreContext, files: readonly StoredFile[] = context.catalog.shards.files()): void {
  const { catalog } = context;
  catalog.transaction(() => {
    for (const { path } of files) {
      const file = catalog.shards.file(path);
      if (file === undefined || statOf(dataPath(file)) !== undefined || catalog.leases.isHeld(writeLease(file.cid))) continue;
      if (!file.isOwned || !doubt(context, file)) catalog.shards.delete(path);
    }
    for (const path of catalog.derived.paths()) if (!isThere(catalog, path)) catalog.derived.withdraw(path);
    dropGoneDownloads(context);
  });
}

// The other of the two names is what a crash between rename and commit leaves.
function doubt({ catalog }: StoreContext, file: StoredFile): boolean {
  const part = `${file.path}.part`;
  const other = file.present === undefined ? part : file.path;
  if (statOf(other)?.size !== file.sizeBytes) return false;
  if (other !== part) renameSync(other, part);
  const leaves = leafCount(file.sizeBytes);
  catalog.shards.setLeaves(file.path, { present: new LeafSet(leaves), pending: LeafSet.full(leaves) });
  return true;
}

/** Notes that leaves of a file are bad: they are missing from now on, and a file of ours has no longer the name of a whole one. */
export function markDamaged({ catalog }: StoreContext, path: string, leaves: Iterable<number>): void {
  catalog.transaction(() => {
    const file = catalog.shards.file(path);
    if (file === undefined) return;
    const present = new LeafSet(leafCount(file.sizeBytes), (file.present ?? LeafSet.full(leafCount(file.sizeBytes))).toBytes());
    for (const leaf of leaves) present.delete(leaf);
    catalog.shards.setLeaves(path, { present, ...(file.pending === undefined ? {} : { pending: file.pending }) });
    if (file.isOwned && file.present === undefined && statOf(path) !== undefined) renameSync(path, `${path}.part`);
  });
}
