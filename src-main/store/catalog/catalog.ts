import { systemClock, type Clock } from '../../base/index.ts';
import { Database } from './database.ts';
import { DerivedTable } from './derived-table.ts';
import { LeaseTable } from './lease-table.ts';
import { LiarTable } from './liar-table.ts';
import { ModelFileTable } from './model-file-table.ts';
import { ModelTable } from './model-table.ts';
import { ProviderTable } from './provider-table.ts';
import { ReservationTable } from './reservation-table.ts';
import { ShardTable } from './shard-table.ts';

/**
 * What is on this disk and who else has it: one SQLite file that all processes of a
 * home share. Every change is whole or absent after any crash. Throws CATALOG_*.
 */
export class Catalog {
  readonly shards: ShardTable;
  readonly derived: DerivedTable;
  readonly models: ModelTable;
  readonly modelFiles: ModelFileTable;
  readonly leases: LeaseTable;
  readonly reservations: ReservationTable;
  readonly providers: ProviderTable;
  readonly liars: LiarTable;
  readonly #db: Database;

  constructor(path: string, clock: Clock = systemClock) {
    this.#db = new Database(path);
    this.shards = new ShardTable(this.#db, clock);
    this.derived = new DerivedTable(this.#db);
    this.models = new ModelTable(this.#db, clock);
    this.modelFiles = new ModelFileTable(this.#db);
    this.leases = new LeaseTable(this.#db);
    this.reservations = new ReservationTable(this.#db);
    this.providers = new ProviderTable(this.#db, clock);
    this.liars = new LiarTable(this.#db, clock);
  }

  /** Of a shard, or of a model: then of all its pieces, also those that come later. */
  pin(cid: string): void {
    this.#db.run('INSERT OR IGNORE INTO pins VALUES (?)', cid);
  }

  unpin(cid: string): void {
    this.#db.run('DELETE FROM pins WHERE cid = ?', cid);
  }

  pins(): string[] {
    return this.#db.all<{ cid: string }>('SELECT cid FROM pins ORDER BY cid').map(({ cid }) => cid);
  }

  /** By itself, not with a model or as a download. */
  hasPin(cid: string): boolean {
    return this.#db.get('SELECT 1 FROM pins WHERE cid = ?', cid) !== undefined;
  }

  state(name: string): string | undefined {
    return this.#db.get<{ value: string }>('SELECT value FROM state WHERE name = ?', name)?.value;
  }

  /** Undefined forgets it. */
  setState(name: string, value: string | undefined): void {
    if (value === undefined) this.#db.run('DELETE FROM state WHERE name = ?', name);
    else this.#db.run('INSERT OR REPLACE INTO state VALUES (?, ?)', name, value);
  }

  /** There was none before. */
  get isNew(): boolean {
    return this.#db.isNew;
  }

  /** All or nothing, and no other process writes meanwhile. `work` is short and synchronous. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  close(): void {
    this.#db.close();
  }
}
