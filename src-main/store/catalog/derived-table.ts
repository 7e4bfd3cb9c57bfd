import { asShardCid, isCoded, type ShardCid } from '../../base/index.ts';
import { checkTree, type ShardTree } from '../dag/index.ts';
import type { DerivedRange } from '../shard/derive.ts';
import type { Database } from './database.ts';

/** A shard that is no file of its own: a header, then tensors where they lie in the files of the model. */
export interface DerivedShard {
  readonly tree: ShardTree;
  readonly header: Uint8Array;
  /** By `at`. */
  readonly ranges: readonly DerivedRange[];
  /** Of the model's first file: the shard goes with it. */
  readonly modelPath: string;
}

interface RangeRow {
  readonly at: number;
  readonly size_bytes: number;
  readonly path: string | null;
  readonly offset_or_word: number;
}

/**
 * Shards that are given to others straight out of a model's files. A path here is where the file will lie when it is
 * whole; while it is downloaded the bytes are in its `.part`.
 */
export class DerivedTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  put({ tree, header, ranges, modelPath }: DerivedShard): void {
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM derived WHERE cid = ?', tree.cid);
      this.#db.run('INSERT INTO derived VALUES (?, ?, ?, ?, ?)', tree.cid, tree.sizeBytes, tree.leafHashes, header, modelPath);
      for (const range of ranges) {
        const [path, value] = 'path' in range ? [range.path, range.offset] : [null, range.word];
        this.#db.run('INSERT INTO derived_ranges VALUES (?, ?, ?, ?, ?)', tree.cid, range.at, range.sizeBytes, path, value);
      }
    });
  }

  /** Undefined when it is not known or its list of leaves was damaged. */
  get(cid: string): DerivedShard | undefined {
    const row = this.#db.get<{ size_bytes: number; leaf_hashes: Uint8Array; header: Uint8Array; model_path: string }>('SELECT * FROM derived WHERE cid = ?', cid);
    if (row === undefined) return undefined;
    const tree = { cid: asShardCid(cid), sizeBytes: row.size_bytes, leafHashes: row.leaf_hashes };
    try {
      checkTree(tree);
    } catch (error) {
      if (isCoded(error)) return undefined;
      throw error;
    }
    const ranges = this.#db.all<RangeRow>('SELECT * FROM derived_ranges WHERE cid = ? ORDER BY at', cid).map(rangeOf);
    return { tree, header: row.header, ranges, modelPath: row.model_path };
  }

  has(cid: string): boolean {
    return this.#db.get('SELECT 1 FROM derived WHERE cid = ?', cid) !== undefined;
  }

  /** CIDs of all. */
  list(): { readonly cid: string; readonly sizeBytes: number; readonly modelPath: string }[] {
    return this.#db.all<{ cid: string; size_bytes: number; model_path: string }>('SELECT cid, size_bytes, model_path FROM derived ORDER BY cid')
      .map((row) => ({ cid: row.cid, sizeBytes: row.size_bytes, modelPath: row.model_path }));
  }

  cids(): ShardCid[] {
    return this.#db.all<{ cid: string }>('SELECT cid FROM derived ORDER BY cid').map(({ cid }) => asShardCid(cid));
  }

  /** What has bytes of this file. */
  ofFile(path: string): string[] {
    return this.#db.all<{ cid: string }>('SELECT cid FROM derived WHERE model_path = ? UNION SELECT cid FROM derived_ranges WHERE path = ?', path, path).map(({ cid }) => cid);
  }

  /** The files that other shards of the same models are derived from: where this one may come from when more of them is here. */
  filesBeside(cid: string): string[] {
    return this.#db.all<{ path: string }>(`SELECT DISTINCT path FROM derived_ranges WHERE path IS NOT NULL AND cid IN
      (SELECT other.cid FROM model_pieces AS wanted JOIN model_pieces AS other USING (model_cid) WHERE wanted.cid = ?)`, cid).map(({ path }) => path);
  }

  /** The files that shards are derived from. */
  paths(): string[] {
    return this.#db.all<{ path: string }>('SELECT DISTINCT path FROM derived_ranges WHERE path IS NOT NULL UNION SELECT model_path FROM derived').map(({ path }) => path);
  }

  /** Forgets what has bytes of this file: nobody is given any of it from now on, in any process. */
  withdraw(path: string): void {
    this.#db.run(WITHDRAW, path, path);
  }

  delete(cid: string): void {
    this.#db.run('DELETE FROM derived WHERE cid = ?', cid);
  }
}

export const WITHDRAW = 'DELETE FROM derived WHERE model_path = ? OR cid IN (SELECT cid FROM derived_ranges WHERE path = ?)';

const rangeOf = ({ at, size_bytes, path, offset_or_word }: RangeRow): DerivedRange =>
  (path === null ? { at, sizeBytes: size_bytes, word: offset_or_word } : { at, sizeBytes: size_bytes, path, offset: offset_or_word });
