import { stat } from 'node:fs/promises';
import { dataPath, storedBytes, writeLease, type StoredFile } from '../catalog/index.ts';
import { HASH_BYTES, isLeaf, LEAF_BYTES, leafCount, leafLength, type LeafSet, type ShardTree } from '../dag/index.ts';
import { isCoded } from '../../base/index.ts';
import { fileSource } from '../gguf/source.ts';
import { treeOfFile } from '../shard/verify.ts';
import type { StoreContext } from './context.ts';
import { markDamaged, reconcile } from './reconcile.ts';

export interface ScrubOptions {
  /** All shards when absent. */
  readonly cids?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number; readonly path: string }) => void;
}

export interface DamagedFile {
  readonly cid: string;
  readonly path: string;
  /** The leaves with other bytes than their hash says; they count as missing now. */
  readonly leaves: readonly number[];
}

export interface ScrubReport {
  readonly files: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedFile[];
  /** Files that were listed but are no longer there. */
  readonly gone: readonly string[];
  /** Files that are being written; not looked at. */
  readonly busy: readonly string[];
}

/**
 * Reads every leaf of every file and compares it with its hash. Bad leaves are noted as
 * missing, so that they are fetched again; a file of ours with one loses its name, so
 * that it is not loaded. One leaf at a time: memory does not grow with the store.
 */
export async function scrub(context: StoreContext, options: ScrubOptions = {}): Promise<ScrubReport> {
  const { shards } = context.catalog;
  const listed = shards.files().filter((file) => options.cids?.includes(file.cid) ?? true);
  reconcile(context, listed);
  const files = listed.flatMap((file) => shards.file(file.path) ?? []);
  const gone = listed.filter((file) => !files.some((left) => left.path === file.path)).map((file) => file.path);
  const bytesTotal = files.reduce((sum, file) => sum + storedBytes(file), 0);
  const [damaged, busy]: [DamagedFile[], string[]] = [[], []];
  let bytesDone = 0;
  for (const file of files) {
    const onLeaf = (bytes: number): void => options.onProgress?.({ bytesDone: bytesDone += bytes, bytesTotal, path: file.path });
    if (context.catalog.leases.isHeld(writeLease(file.cid))) busy.push(file.path);
    else damaged.push(...await scrubFile(context, file, { onLeaf, signal: options.signal }));
  }
  return { files: files.length, bytes: bytesDone, damaged, gone, busy };
}

interface FileScrub {
  readonly onLeaf: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

async function scrubFile(context: StoreContext, file: StoredFile, options: FileScrub): Promise<DamagedFile[]> {
  const lease = context.catalog.leases.take(file.cid);
  try {
    const tree = context.catalog.shards.tree(file.cid) ?? await rebuild(context, file, options.signal);
    const leaves = tree === undefined ? Array.from({ length: leafCount(file.sizeBytes) }, (_, leaf) => leaf) : await badLeaves(tree, file, options);
    await note(context, file, leaves);
    return leaves.length === 0 ? [] : [{ cid: file.cid, path: file.path, leaves }];
  } finally {
    lease.release();
  }
}

// A list of leaves that was damaged on the disk is made anew, out of a file that is still the shard.
async function rebuild({ catalog }: StoreContext, file: StoredFile, signal: AbortSignal | undefined): Promise<ShardTree | undefined> {
  if (file.present !== undefined) return undefined;
  const tree = await treeOfFile(file.path, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (isCoded(error)) return undefined;
    throw error;
  });
  if (tree?.cid !== file.cid) return undefined;
  catalog.shards.put(tree, file);
  return tree;
}

async function badLeaves(tree: ShardTree, file: StoredFile, { onLeaf, signal }: FileScrub): Promise<number[]> {
  const source = await fileSource(dataPath(file));
  const into = Buffer.allocUnsafeSlow(Math.min(LEAF_BYTES, tree.sizeBytes));
  const bad: number[] = [];
  try {
    for (let leaf = 0; leaf < tree.leafHashes.length / HASH_BYTES; leaf++) {
      signal?.throwIfAborted();
      if (file.present?.has(leaf) === false) continue;
      const length = leafLength(tree.sizeBytes, leaf);
      const bytes = await source.read(leaf * LEAF_BYTES, length, { into }).catch((error: unknown) => {
        if (isCoded(error)) return new Uint8Array(0);
        throw error;
      });
      if (!isLeaf(tree, leaf, bytes)) bad.push(leaf);
      onLeaf(length);
    }
  } finally {
    await source.close();
  }
  return bad;
}

async function note(context: StoreContext, file: StoredFile, bad: readonly number[]): Promise<void> {
  const { shards } = context.catalog;
  if (bad.length > 0) return markDamaged(context, file.path, bad);
  const { mtimeMs } = await stat(dataPath(file));
  const isMended = file.present?.isFull === true && !file.isOwned;
  const left: { present?: LeafSet; pending?: LeafSet } = file.present === undefined || isMended ? {} : { present: file.present, ...(file.pending === undefined ? {} : { pending: file.pending }) };
  shards.setLeaves(file.path, { ...left, mtimeMs });
}
