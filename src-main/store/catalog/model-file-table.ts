import { asShardCid, type ShardCid } from '../../base/index.ts';
import type { Database } from './database.ts';
import { IS_PINNED } from './shard-table.ts';

/** A file that is a whole model, or one part of a model in several files. */
export interface StoredModelFile {
  readonly path: string;
  /** `hf:owner/repo@commit/file`, an address without query, or the path. */
  readonly origin: string;
  readonly cid: ShardCid;
  readonly sizeBytes: number;
  /** Last use, Unix time in milliseconds. */
  readonly usedAt: number;
  /** Not evicted: by a pin, or kept as every download is. */
  readonly isPinned: boolean;
  /** Downloaded into the home; else it is the user's and is only read. */
  readonly isOwned: boolean;
  /** False when a part of it was found damaged. */
  readonly isWhole: boolean;
}

interface Row {
  readonly path: string;
  readonly origin: string;
  readonly cid: string;
  readonly size_bytes: number;
  readonly used_at: number;
  readonly is_pinned: number;
  readonly is_owned: number;
  readonly is_whole: number;
}

/** Files that `model add` downloaded or was given. A file that is forgotten goes from here too. */
export class ModelFileTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** A new one is kept: it is not evicted before the user lets it go. */
  put(path: string, origin: string): void {
    this.#db.run('INSERT INTO model_files VALUES (?, ?, 1) ON CONFLICT (path) DO UPDATE SET origin = excluded.origin', path, origin);
  }

  /** A file that is not kept and has no pin may be evicted. */
  setKept(path: string, isKept: boolean): void {
    this.#db.run('UPDATE model_files SET is_kept = ? WHERE path = ?', Number(isKept), path);
  }

  /** By path. */
  list(): StoredModelFile[] {
    const rows = this.#db.all<Row>(`SELECT model_files.*, shards.cid, size_bytes, used_at, is_owned, present IS NULL AS is_whole, ${IS_PINNED} AS is_pinned
      FROM model_files JOIN files USING (path) JOIN shards ON shards.cid = files.cid ORDER BY model_files.path`);
    return rows.map((row) => ({
      path: row.path, origin: row.origin, cid: asShardCid(row.cid), sizeBytes: row.size_bytes, usedAt: row.used_at,
      isPinned: row.is_pinned === 1, isOwned: row.is_owned === 1, isWhole: row.is_whole === 1,
    }));
  }

  /** The file that a model of shards was cut from. */
  setSource(modelCid: string, path: string): void {
    this.#db.run('INSERT OR REPLACE INTO model_sources VALUES (?, ?)', modelCid, path);
  }

  sourceOf(modelCid: string): string | undefined {
    return this.#db.get<{ path: string }>('SELECT path FROM model_sources WHERE model_cid = ?', modelCid)?.path;
  }
}
