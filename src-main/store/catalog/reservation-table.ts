import { isAlive } from '../../base/index.ts';
import type { Database } from './database.ts';
import type { Lease } from './lease-table.ts';

/** A file that is to come. */
export interface ComingFile {
  /** Where the whole file will lie. */
  readonly path: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** Of a download from a hub, what it is: `hf:owner/repo@commit/file`, or an address. Absent for a shard from peers. */
  readonly origin?: string | undefined;
}

/** A download that is not whole yet, under way or broken off. */
export type BegunDownload = ComingFile & { readonly origin: string };

/** What a process that lives promised a file. */
export interface Reservation {
  readonly sizeBytes: number;
  readonly pid: number;
}

/**
 * Room for files that are to come. A reservation ends with its process, however that ends: then only what lies on the disk
 * counts, until somebody goes on. Which downloads were begun is remembered until they are whole or gone.
 */
export class ReservationTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Several for one file count once, with the largest. */
  take(files: readonly ComingFile[]): Lease {
    const ids = this.#db.transaction(() => files.map((file) => {
      if (file.origin !== undefined) this.begin({ ...file, origin: file.origin });
      return this.#insert(file.path, file.sizeBytes, process.pid);
    }));
    return { release: () => void this.#db.transaction(() => { for (const id of ids) this.#db.run('DELETE FROM reservations WHERE id = ?', id); }) };
  }

  /** By path. */
  active(): ReadonlyMap<string, Reservation> {
    this.#dropDead();
    const rows = this.#db.all<{ path: string; size_bytes: number; pid: number }>('SELECT path, size_bytes, pid FROM reservations ORDER BY size_bytes, id');
    return new Map(rows.map(({ path, size_bytes, pid }) => [path, { sizeBytes: size_bytes, pid }]));
  }

  isActive(path: string): boolean {
    return this.active().has(path);
  }

  /** By path; without asking the disk what is left of them. */
  downloads(): BegunDownload[] {
    return this.#db.all<{ path: string; origin: string; size_bytes: number }>('SELECT * FROM downloads ORDER BY path').map(({ path, origin, size_bytes }) => ({ path, origin, sizeBytes: size_bytes }));
  }

  begin({ path, origin, sizeBytes }: BegunDownload): void {
    this.#db.run('INSERT OR REPLACE INTO downloads VALUES (?, ?, ?)', path, origin, sizeBytes);
  }

  /** It is whole, or gone. */
  end(path: string): void {
    this.#db.run('DELETE FROM downloads WHERE path = ?', path);
  }

  /** Of a process that made it in a catalogue which was lost. */
  restore(path: string, sizeBytes: number, pid: number): void {
    if (isAlive(pid)) this.#insert(path, sizeBytes, pid);
  }

  #insert(path: string, sizeBytes: number, pid: number): number {
    this.#db.run('INSERT INTO reservations (path, size_bytes, pid) VALUES (?, ?, ?)', path, sizeBytes, pid);
    return this.#db.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0;
  }

  #dropDead(): void {
    for (const { pid } of this.#db.all<{ pid: number }>('SELECT DISTINCT pid FROM reservations')) {
      if (!isAlive(pid)) this.#db.note(() => this.#db.run('DELETE FROM reservations WHERE pid = ?', pid));
    }
  }
}
