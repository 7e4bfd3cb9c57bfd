import { closeSync, fsyncSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataPath, writeLease, type Lease, type StoredFile } from '../catalog/index.ts';
import { isLeaf, LEAF_BYTES, leafCount, leafLength, LeafSet, type ShardTree } from '../dag/index.ts';
import { shardErrors, spaceErrors } from '../errors.ts';
import type { StoreContext } from './context.ts';
import { reserve } from './reserve.ts';

/** After so many leaves the disk is synced, and they count whatever happens. */
const SYNC_EVERY = 64;

/**
 * Where the leaves of one shard go, in any order. A leaf counts once it is synced; one
 * that was only written is hashed again after a crash. Only one at a time may write a shard.
 */
export class ShardWriter {
  readonly #context: StoreContext;
  readonly #tree: ShardTree;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #leases: readonly Lease[];
  readonly #present: LeafSet;
  readonly #pending: LeafSet;
  #syncing: Promise<void> = Promise.resolve();
  #isSyncing = false;

  private constructor(init: { context: StoreContext; tree: ShardTree; path: string; handle: FileHandle; leases: readonly Lease[]; present: LeafSet; pending: LeafSet }) {
    this.#context = init.context;
    this.#tree = init.tree;
    this.#path = init.path;
    this.#handle = init.handle;
    this.#leases = init.leases;
    this.#present = init.present;
    this.#pending = init.pending;
  }

  /** Begins a shard, or goes on with what an earlier writer left. Throws SPACE_ALREADY_HERE, CATALOG_IN_USE, SPACE_QUOTA, SPACE_DISK_FULL, SHARD_WRITE_FAILED. */
  static async open(context: StoreContext, tree: ShardTree): Promise<ShardWriter> {
    const leases = [context.catalog.leases.take(writeLease(tree.cid), { isExclusive: true }), context.catalog.leases.take(tree.cid)];
    try {
      return await ShardWriter.#begin(context, tree, leases);
    } catch (error) {
      for (const lease of leases) lease.release();
      throw error;
    }
  }

  static async #begin(context: StoreContext, tree: ShardTree, leases: Lease[]): Promise<ShardWriter> {
    const leaves = leafCount(tree.sizeBytes);
    const files = context.catalog.shards.files(tree.cid);
    if (files.some((file) => file.present === undefined)) throw spaceErrors.alreadyHere({ cid: tree.cid });
    const known = files.find((file) => file.isOwned);
    const file = known ?? begun(context, tree);
    const present = file.present ?? new LeafSet(leaves);
    // Until it is closed; of a fetch of many shards the room is kept already.
    leases.push(await reserve(context, [{ path: file.path, sizeBytes: tree.sizeBytes }]));
    if (known === undefined) context.catalog.shards.put(tree, file);
    const handle = await openData(dataPath(file), tree.sizeBytes);
    const writer = new ShardWriter({ context, tree, path: file.path, handle, leases, present, pending: new LeafSet(leaves) });
    try {
      await writer.#takeUp(file.pending ?? new LeafSet(leaves));
      return writer;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  has(leaf: number): boolean {
    return this.#present.has(leaf) || this.#pending.has(leaf);
  }

  *missing(): Generator<number> {
    for (const leaf of this.#present.missing()) if (!this.#pending.has(leaf)) yield leaf;
  }

  /** Of bytes that were checked against the leaf's hash. Throws DAG_NO_SUCH_LEAF, SHARD_WRONG_SIZE, SHARD_DISK_FULL, SHARD_WRITE_FAILED. */
  async write(leaf: number, bytes: Uint8Array): Promise<void> {
    const expected = leafLength(this.#tree.sizeBytes, leaf);
    if (bytes.length !== expected) throw shardErrors.wrongSize({ path: this.#path, expected, actual: bytes.length });
    await writeAll(this.#handle, bytes, leaf * LEAF_BYTES).catch((error: unknown) => { throw this.#coded(error); });
    this.#pending.add(leaf);
    this.#context.catalog.shards.notePending(this.#path, this.#pending);
    if (this.#pending.count >= SYNC_EVERY && !this.#isSyncing) await this.#sync();
  }

  /** Every leaf is here: syncs the data, gives the file its name, then notes it whole; the writer is closed. Throws SPACE_NOT_WHOLE. */
  async finish(): Promise<void> {
    await this.#sync();
    const missing = this.#present.size - this.#present.count;
    if (missing > 0) throw spaceErrors.notWhole({ cid: this.#tree.cid, missing });
    await this.#handle.close();
    const { mtimeMs } = await stat(`${this.#path}.part`);
    this.#context.catalog.transaction(() => {
      renameSync(`${this.#path}.part`, this.#path);
      syncFolder(dirname(this.#path));
      this.#context.catalog.shards.setLeaves(this.#path, { mtimeMs });
    });
    this.#release();
  }

  /** Leaves off; what was written is kept for the next time. */
  async close(): Promise<void> {
    await this.#sync();
    await this.#handle.close();
    this.#release();
  }

  // Leaves of a writer that did not end in order: only those with the right bytes count.
  async #takeUp(pending: LeafSet): Promise<void> {
    const into = Buffer.allocUnsafeSlow(Math.min(LEAF_BYTES, this.#tree.sizeBytes));
    for (const leaf of pending) {
      const bytes = into.subarray(0, leafLength(this.#tree.sizeBytes, leaf));
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, leaf * LEAF_BYTES);
      if (bytesRead === bytes.length && isLeaf(this.#tree, leaf, bytes)) this.#pending.add(leaf);
    }
    await this.#sync();
  }

  // One after the other: leaves that are written while the disk is synced wait for the next time.
  #sync(): Promise<void> {
    this.#isSyncing = true;
    this.#syncing = this.#syncing.catch(() => undefined).then(async () => {
      const written = [...this.#pending];
      if (written.length > 0) await this.#handle.datasync().catch((error: unknown) => { throw this.#coded(error); });
      for (const leaf of written) {
        this.#present.add(leaf);
        this.#pending.delete(leaf);
      }
      this.#context.catalog.shards.setLeaves(this.#path, { present: this.#present, pending: this.#pending });
    }).finally(() => { this.#isSyncing = false; });
    return this.#syncing;
  }

  #release(): void {
    for (const lease of this.#leases) lease.release();
  }

  #coded(error: unknown): unknown {
    const code = (error as NodeJS.ErrnoException).code;
    const at = { path: this.#path, needBytes: this.#tree.sizeBytes - this.#present.count * LEAF_BYTES };
    return code === 'ENOSPC' || code === 'EDQUOT' ? shardErrors.diskFull(at, error) : shardErrors.writeFailed(at, error);
  }
}

/** Where a shard from peers will lie. */
export const fetchedPath = ({ shardFolder }: Pick<StoreContext, 'shardFolder'>, cid: string): string => join(shardFolder, `${cid}.gguf`);

function begun(context: StoreContext, { cid, sizeBytes }: ShardTree): StoredFile {
  return { cid, sizeBytes, path: fetchedPath(context, cid), mtimeMs: 0, isOwned: true, present: new LeafSet(leafCount(sizeBytes)) };
}

// Without its bytes: a file system that can leaves holes where nothing was written yet.
async function openData(path: string, sizeBytes: number): Promise<FileHandle> {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const handle = await open(path, 'r+').catch(() => open(path, 'w+'));
    await handle.truncate(sizeBytes);
    return handle;
  } catch (error) {
    throw shardErrors.writeFailed({ path }, error);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
