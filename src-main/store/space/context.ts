import { renameSync, statSync, type Stats } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { Catalog } from '../catalog/index.ts';
import type { StoreFiles } from '../ports.ts';

/** What the parts of the store share. */
export interface StoreContext {
  readonly catalog: Catalog;
  /** Where fetched shards go. */
  readonly shardFolder: string;
  /** Folders, with what is below them, whose files are the store's to rename and remove. */
  readonly ownFolders: readonly string[];
  /** Of those, where downloaded models go: what is not listed there is left alone. Undefined when there is none. */
  readonly modelFolder: string | undefined;
  /** Most bytes of own files; Infinity for as much as the disk holds. */
  readonly quotaBytes: number;
  readonly files: Pick<StoreFiles, 'freeBytes'>;
}

export const TRASH = '.trash';

export const isOwn = ({ ownFolders }: Pick<StoreContext, 'ownFolders'>, path: string): boolean => ownFolders.some((folder) => resolve(path).startsWith(resolve(folder) + sep));

/** Undefined when there is no such file. */
export function statOf(path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found : undefined;
}

/** Takes a file out of sight at once, inside a transaction; removing it, which may take long, comes after. */
export function moveToTrash(path: string): string | undefined {
  if (statOf(path) === undefined) return undefined;
  const trash = `${path}${TRASH}`;
  renameSync(path, trash);
  return trash;
}

export async function removeTrash(trash: string | undefined): Promise<void> {
  if (trash !== undefined) await rm(trash, { force: true });
}
