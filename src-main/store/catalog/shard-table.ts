import { asShardCid, isCoded, type Clock, type ShardCid } from '../../base/index.ts';
import { checkTree, leafCount, LEAF_BYTES, LeafSet, type ShardTree } from '../dag/index.ts';
import type { Database } from './database.ts';
import { WITHDRAW } from './derived-table.ts';

/** A shard, or a part of one, on this disk. */
export interface StoredFile {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  /** Where the whole shard lies or will lie. */
  readonly path: string;
  readonly mtimeMs: number;
  /** In the store's own folders, so that the store may write, rename and remove it. */
  readonly isOwned: boolean;
  /** The leaves that are there; absent when all are. */
  readonly present?: LeafSet;
  /** Leaves that were written but not synced before a crash, perhaps: to be hashed again before they count. */
  readonly pending?: LeafSet;
}

export interface ShardUse {
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  /** Last use, Unix time in milliseconds. */
  readonly usedAt: number;
  readonly isPinned: boolean;
}

interface FileRow {
  readonly path: string;
  readonly cid: string;
  readonly mtime_ms: number;
  readonly is_owned: number;
  readonly present: Uint8Array | null;
  readonly pending: Uint8Array | null;
  readonly size_bytes: number;
}

const FILES = 'SELECT files.*, size_bytes FROM files JOIN shards USING (cid)';
export const IS_PINNED = `(EXISTS (SELECT 1 FROM pins WHERE pins.cid = shards.cid OR pins.cid IN (SELECT model_cid FROM model_pieces WHERE model_pieces.cid = shards.cid))
  OR EXISTS (SELECT 1 FROM files AS kept JOIN model_files USING (path) WHERE kept.cid = shards.cid AND is_kept = 1)
  OR EXISTS (SELECT 1 FROM files AS origin JOIN derived_ranges ON derived_ranges.path = origin.path JOIN model_pieces ON model_pieces.cid = derived_ranges.cid
    JOIN pins ON pins.cid IN (model_pieces.cid, model_pieces.model_cid) WHERE origin.cid = shards.cid))`;

/** Shards and the files that hold them. */
export class ShardTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Notes a tree and the file that holds it, in one step. */
  put(tree: ShardTree, file: Omit<StoredFile, 'cid' | 'sizeBytes'>): void {
    const { path, mtimeMs, isOwned, present, pending } = file;
    this.#db.transaction(() => {
      this.#db.run('INSERT INTO shards VALUES (?, ?, ?, ?) ON CONFLICT (cid) DO UPDATE SET leaf_hashes = excluded.leaf_hashes, used_at = excluded.used_at', tree.cid, tree.sizeBytes, tree.leafHashes, this.#clock.now());
      this.#db.run('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)', path, tree.cid, mtimeMs, Number(isOwned), present?.toBytes() ?? null, pending?.toBytes() ?? null);
      this.#dropUnused();
    });
  }

  /** The tree of a shard, checked against its CID; undefined when it is not known or its list was damaged. */
  tree(cid: string): ShardTree | undefined {
    const row = this.#db.get<{ size_bytes: number; leaf_hashes: Uint8Array }>('SELECT size_bytes, leaf_hashes FROM shards WHERE cid = ?', cid);
    if (row === undefined) return undefined;
    const tree = { cid: asShardCid(cid), sizeBytes: row.size_bytes, leafHashes: row.leaf_hashes };
    try {
      checkTree(tree);
      return tree;
    } catch (error) {
      if (isCoded(error)) return undefined;
      throw error;
    }
  }

  /** All, or those of one shard: whole ones first. */
  files(cid?: string): StoredFile[] {
    const rows = cid === undefined ? this.#db.all<FileRow>(`${FILES} ORDER BY path`) : this.#db.all<FileRow>(`${FILES} WHERE cid = ? ORDER BY present IS NOT NULL, path`, cid);
    return rows.map(fileOf);
  }

  /** CIDs of which at least one leaf is here. */
  held(): ShardCid[] {
    const rows = this.#db.all<{ cid: string; present: Uint8Array | null }>('SELECT DISTINCT cid, present FROM files ORDER BY cid');
    return [...new Set(rows.filter(({ present }) => present === null || present.some((bits) => bits !== 0)).map(({ cid }) => asShardCid(cid)))];
  }

  file(path: string): StoredFile | undefined {
    const row = this.#db.get<FileRow>(`${FILES} WHERE path = ?`, path);
    return row === undefined ? undefined : fileOf(row);
  }

  /** What a partial file has from now on; without `present` it is whole. */
  setLeaves(path: string, leaves: { readonly present?: LeafSet; readonly pending?: LeafSet; readonly mtimeMs?: number }): void {
    const { present, pending, mtimeMs } = leaves;
    this.#db.run('UPDATE files SET present = ?, pending = ?, mtime_ms = coalesce(?, mtime_ms) WHERE path = ?', present?.toBytes() ?? null, pending?.toBytes() ?? null, mtimeMs ?? null, path);
  }

  /** As `setLeaves`, for every leaf that arrives. */
  notePending(path: string, pending: LeafSet): void {
    this.#db.note(() => this.#db.run('UPDATE files SET pending = ? WHERE path = ?', pending.toBytes(), path));
  }

  /** Forgets a file, what is derived from it, and its shard when that was the last one. */
  delete(path: string): void {
    this.#db.transaction(() => {
      this.#db.run(WITHDRAW, path, path);
      this.#db.run('DELETE FROM files WHERE path = ?', path);
      this.#dropUnused();
    });
  }

  touch(cid: string): void {
    this.#db.note(() => this.#db.run('UPDATE shards SET used_at = ? WHERE cid = ?', this.#clock.now(), cid));
  }

  /** The least recently used first. */
  uses(): ShardUse[] {
    const rows = this.#db.all<{ cid: string; size_bytes: number; used_at: number; is_pinned: number }>(`SELECT cid, size_bytes, used_at, ${IS_PINNED} AS is_pinned FROM shards ORDER BY used_at, cid`);
    return rows.map((row) => ({ cid: asShardCid(row.cid), sizeBytes: row.size_bytes, usedAt: row.used_at, isPinned: row.is_pinned === 1 }));
  }

  isPinned(cid: string): boolean {
    return this.#db.get<{ is_pinned: number }>(`SELECT ${IS_PINNED} AS is_pinned FROM shards WHERE cid = ?`, cid)?.is_pinned === 1;
  }

  #dropUnused(): void {
    this.#db.run('DELETE FROM shards WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.cid = shards.cid)');
    this.#db.run('DELETE FROM model_files WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.path = model_files.path)');
  }
}

function fileOf(row: FileRow): StoredFile {
  const set = (bits: Uint8Array | null): LeafSet | undefined => (bits === null ? undefined : new LeafSet(leafCount(row.size_bytes), bits));
  const [present, pending] = [set(row.present), set(row.pending)];
  return {
    cid: asShardCid(row.cid), sizeBytes: row.size_bytes, path: row.path, mtimeMs: row.mtime_ms, isOwned: row.is_owned === 1,
    ...(present === undefined ? {} : { present }), ...(pending === undefined ? {} : { pending }),
  };
}

/** What a file takes on the disk. */
export function storedBytes({ sizeBytes, present, pending }: StoredFile): number {
  if (present === undefined) return sizeBytes;
  return Math.min(sizeBytes, (present.count + (pending?.count ?? 0)) * LEAF_BYTES);
}

/** Where the bytes are now: a partial file of ours has another name, so that nobody takes it for a whole one. */
export const dataPath = ({ path, isOwned, present }: Pick<StoredFile, 'path' | 'isOwned' | 'present'>): string => (isOwned && present !== undefined ? `${path}.part` : path);
