import { asManifestCid, type Clock, type ManifestCid } from '../../base/index.ts';
import { cidOfManifest, decodeManifest, encodeManifestCbor, type Manifest } from '../shard/manifest.ts';
import type { Database } from './database.ts';

export interface StoredModel {
  readonly cid: ManifestCid;
  readonly manifest: Manifest;
  /** Unix time in milliseconds. */
  readonly addedAt: number;
  readonly isPinned: boolean;
  /** Bytes of its pieces that lie whole on this disk, as files or in those of a model. */
  readonly heldBytes: number;
  /** Of the shards, without the vocabulary. */
  readonly heldShards: number;
}

interface ModelRow {
  readonly cid: string;
  readonly manifest: Uint8Array;
  readonly added_at: number;
  readonly is_pinned: number;
}

const MODELS = 'SELECT models.*, EXISTS (SELECT 1 FROM pins WHERE pins.cid = models.cid) AS is_pinned FROM models';

/** Models whose manifests are known here, whatever of them is on this disk. */
export class ModelTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  put(manifest: Manifest): ManifestCid {
    const cid = cidOfManifest(manifest);
    this.#db.transaction(() => {
      this.#db.run('INSERT OR IGNORE INTO models VALUES (?, ?, ?)', cid, encodeManifestCbor(manifest), this.#clock.now());
      for (const piece of [...manifest.shards, manifest.vocabulary]) this.#db.run('INSERT OR IGNORE INTO model_pieces VALUES (?, ?)', cid, piece.cid);
    });
    return cid;
  }

  get(cid: string): StoredModel | undefined {
    const row = this.#db.get<ModelRow>(`${MODELS} WHERE cid = ?`, cid);
    return row === undefined ? undefined : this.#model(row);
  }

  cids(): string[] {
    return this.#db.all<{ cid: string }>('SELECT cid FROM models ORDER BY added_at, cid').map(({ cid }) => cid);
  }

  list(): StoredModel[] {
    return this.#db.all<ModelRow>(`${MODELS} ORDER BY added_at, cid`).map((row) => this.#model(row));
  }

  /** The pieces of a model that no other model has. */
  ownPieces(cid: string): string[] {
    return this.#db.all<{ cid: string }>('SELECT cid FROM model_pieces WHERE model_cid = ? AND cid NOT IN (SELECT cid FROM model_pieces WHERE model_cid <> ?)', cid, cid).map((row) => row.cid);
  }

  delete(cid: string): void {
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM models WHERE cid = ?', cid);
      this.#db.run('DELETE FROM pins WHERE cid = ?', cid);
    });
  }

  #model({ cid, manifest: bytes, added_at, is_pinned }: ModelRow): StoredModel {
    const manifest = decodeManifest(bytes, `the manifest ${cid}`);
    const whole = new Set(this.#db.all<{ cid: string }>('SELECT files.cid FROM files JOIN model_pieces USING (cid) WHERE model_cid = ? AND present IS NULL UNION SELECT derived.cid FROM derived JOIN model_pieces USING (cid) WHERE model_cid = ?', cid, cid).map((row) => row.cid));
    const held = [...manifest.shards, manifest.vocabulary].filter((piece) => whole.has(piece.cid));
    return {
      cid: asManifestCid(cid), manifest, addedAt: added_at, isPinned: is_pinned === 1,
      heldBytes: held.reduce((bytes, piece) => bytes + piece.size_bytes, 0), heldShards: manifest.shards.filter((shard) => whole.has(shard.cid)).length,
    };
  }
}
