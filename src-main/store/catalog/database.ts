import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { catalogErrors } from '../errors.ts';
import { MIGRATIONS } from './schema.ts';
import { loadSqlite } from './sqlite.ts';

/** How long a write waits for another process's write. All of ours take milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const CODES = { busy: 5, locked: 6, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 } as const;

/** Larger catalogues are checked as a whole only after damage was met: it takes a millisecond a megabyte. */
const CHECKED_BYTES = 16 * 1024 * 1024;

/** A file that says that damage was met while the catalogue was in use. */
export const damageMarker = (path: string): string => `${path}.damaged`;

/** SQLite in WAL mode: any number of processes read while one writes. Every call is short. Throws CATALOG_*. */
export class Database {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** There was no database before. */
  readonly isNew: boolean;
  #isInTransaction = false;

  /** Throws CATALOG_DAMAGED, CATALOG_TOO_NEW, CATALOG_UNUSABLE. */
  constructor(path: string) {
    this.path = path;
    this.#refuseMarked();
    this.#db = this.#guard(() => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const sqlite = loadSqlite();
      return new sqlite.DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    });
    try {
      // Another process may have begun to mend it before this one opened it.
      this.#refuseMarked();
      this.#guard(() => this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL'));
      this.#check();
      this.isNew = this.#migrate() === 0;
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#statement(sql).all(...values) as Row[]);
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#statement(sql).get(...values) as Row | undefined);
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guard(() => Number(this.#statement(sql).run(...values).changes));
  }

  /** All or nothing, and alone: no other process writes meanwhile. On the disk when it returns. Inside another one it is part of that. */
  transaction<T>(work: () => T): T {
    if (this.#isInTransaction) return work();
    this.#guard(() => this.#db.exec('BEGIN IMMEDIATE'));
    this.#isInTransaction = true;
    try {
      const result = work();
      this.#guard(() => this.#db.exec('COMMIT'));
      return result;
    } catch (error) {
      // A full disk may have rolled back already.
      try { this.#db.exec('ROLLBACK'); } catch { /* nothing is left to roll back */ }
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  /** For notes that may be lost when the machine loses power, but not when the process dies: 40 microseconds instead of a sync of the disk. */
  note<T>(work: () => T): T {
    if (this.#isInTransaction) return work();
    this.#guard(() => this.#db.exec('PRAGMA synchronous = NORMAL'));
    try {
      return work();
    } finally {
      this.#guard(() => this.#db.exec('PRAGMA synchronous = FULL'));
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #refuseMarked(): void {
    if (existsSync(damageMarker(this.path))) throw catalogErrors.damaged({ path: this.path, reason: 'damage was met while it was in use' });
  }

  #check(): void {
    if (statSync(this.path).size > CHECKED_BYTES) return;
    const found = this.get<{ quick_check: string }>('PRAGMA quick_check(1)')?.quick_check;
    if (found !== 'ok') throw catalogErrors.damaged({ path: this.path, reason: (found ?? '').replace(/^\*+.*\n/, '').slice(0, 200) });
  }

  /** Returns the version that it had. */
  #migrate(): number {
    const version = (): number => Number(this.get<{ user_version: number }>('PRAGMA user_version')?.user_version);
    if (version() > MIGRATIONS.length) throw catalogErrors.tooNew({ path: this.path, version: version() });
    const before = version();
    if (before === MIGRATIONS.length) return before;
    this.transaction(() => {
      // Another process may have come first.
      for (const [index, sql] of MIGRATIONS.entries()) {
        if (index < version()) continue;
        this.#guard(() => this.#db.exec(`${sql}; PRAGMA user_version = ${index + 1}`));
      }
    });
    return before;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#coded(error);
    }
  }

  // The next process to open it mends it, also when what it opens first is whole.
  #mark(): void {
    try {
      writeFileSync(damageMarker(this.path), '');
    } catch { /* a disk that takes nothing is another matter */ }
  }

  #coded(error: unknown): unknown {
    const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
    if (code !== 'ERR_SQLITE_ERROR' && code !== 'EACCES' && code !== 'EROFS') return error;
    const primary = errcode === undefined ? CODES.cantOpen : errcode & 0xff;
    const at = { path: this.path, reason: message ?? '' };
    if (primary === CODES.busy || primary === CODES.locked) return catalogErrors.busy(at, error);
    if (primary === CODES.corrupt || primary === CODES.notADatabase) {
      this.#mark();
      return catalogErrors.damaged(at, error);
    }
    if (primary === CODES.full) return catalogErrors.diskFull(at, error);
    const isOutside = primary === CODES.readOnly || primary === CODES.ioError || primary === CODES.cantOpen;
    return isOutside ? catalogErrors.unusable(at, error) : error;
  }
}
