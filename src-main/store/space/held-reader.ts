import { dataPath, type Lease, type StoredFile } from '../catalog/index.ts';
import { isCoded, type ShardCid } from '../../base/index.ts';
import { ShardReader, type ShardProblem } from '../blockstore/index.ts';
import { LeafSet, type ShardTree } from '../dag/index.ts';
import type { StoreContext } from './context.ts';
import { markDamaged, reconcile } from './reconcile.ts';

/** A shard to read or to give to others: a file, or made out of a model's. */
export interface ReadableShard {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  held(): 'all' | 'none' | Uint8Array;
  leafHashes(): Promise<Uint8Array>;
  /** See ShardReader. */
  read(leaf: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A shard, or a part of one, that stays here until it is closed. */
export class HeldReader implements ReadableShard {
  readonly #reader: ShardReader;
  readonly #lease: Lease;
  readonly #file: StoredFile;

  private constructor(reader: ShardReader, lease: Lease, file: StoredFile) {
    this.#reader = reader;
    this.#lease = lease;
    this.#file = file;
  }

  /** Undefined when nothing of the shard is here. What is found wrong with its file is noted, then told. */
  static async open(context: StoreContext, cid: string, onProblem: (problem: ShardProblem) => void): Promise<HeldReader | undefined> {
    const { shards, leases } = context.catalog;
    const tree = shards.tree(cid);
    if (tree === undefined) return undefined;
    const lease = leases.take(cid);
    // One that is gone leaves the next.
    for (const file of shards.files(cid)) {
      const reader = await openFile(tree, file, (problem) => {
        note(context, file, problem);
        onProblem(problem);
      });
      if (reader === undefined) continue;
      shards.touch(cid);
      return new HeldReader(reader, lease, file);
    }
    lease.release();
    return undefined;
  }

  get cid(): ShardCid {
    return this.#reader.cid;
  }

  get sizeBytes(): number {
    return this.#reader.sizeBytes;
  }

  /** The leaves that are here: `all`, or their bits. */
  held(): 'all' | Uint8Array {
    return writtenOf(this.#file)?.toBytes() ?? 'all';
  }

  leafHashes(): Promise<Uint8Array> {
    return this.#reader.leafHashes();
  }

  /** See ShardReader. */
  read(leaf: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#reader.read(leaf, into);
  }

  async close(): Promise<void> {
    this.#lease.release();
    await this.#reader.close();
  }
}

async function openFile(tree: ShardTree, file: StoredFile, onProblem: (problem: ShardProblem) => void): Promise<ShardReader | undefined> {
  const written = writtenOf(file);
  const present: { present?: LeafSet } = written === undefined ? {} : { present: written };
  try {
    // A file that is being written has a new time all the time.
    const mtime = file.present === undefined ? { mtimeMs: file.mtimeMs } : {};
    return await ShardReader.open({ ...tree, path: dataPath(file), ...mtime, ...present }, onProblem);
  } catch (error) {
    if (isCoded(error, 'BLOCK_GONE')) return undefined;
    throw error;
  }
}

/** What can be read: also what was not synced yet, since each leaf is checked when it is read. Undefined for a whole file. */
function writtenOf({ present, pending }: StoredFile): LeafSet | undefined {
  if (present === undefined || pending === undefined) return present;
  const written = new LeafSet(present.size, present.toBytes());
  for (const leaf of pending) written.add(leaf);
  return written;
}

// A file that only changed is left to the scrub: each leaf is checked anyway.
function note(context: StoreContext, file: StoredFile, problem: ShardProblem): void {
  if (problem.kind === 'gone') reconcile(context, [file]);
  if (problem.kind === 'damaged' && problem.leaf !== undefined) markDamaged(context, file.path, [problem.leaf]);
}
