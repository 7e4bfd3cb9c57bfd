import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type * as Sqlite from 'node:sqlite';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** How long a write waits for another process's write. All of ours take milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** Primary result codes (sqlite.org/rescode.html). */
export const SQLITE_CODES = { busy: 5, locked: 6, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 } as const;

export interface SqliteFileInit {
  /** Set whenever it is opened. */
  readonly pragmas: string;
  /** The one at index i makes version i + 1 of the one before. */
  readonly migrations: readonly string[];
  /** How long to wait for another process that writes. */
  readonly busyMs?: number;
  /** Before anything is read of it or written to it; what it throws closes the file again. */
  readonly opened?: () => void;
  /** Before it is migrated; as well. */
  readonly check?: (file: SqliteFile) => void;
  readonly tooNew: (version: number) => Error;
  /** What an error becomes that SQLite (`code`: its primary result code) or the file system had. */
  readonly coded: (error: unknown, failure: { readonly code: number; readonly reason: string }) => unknown;
}

/** One database in WAL mode: any number of processes read while one writes. Every call is short. A change is whole or absent after a crash. */
export class SqliteFile {
  readonly path: string;
  /** There was no database before. */
  readonly isNew: boolean;
  readonly #init: SqliteFileInit;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #isInTransaction = false;

  /** Throws what `coded` and `tooNew` make. */
  constructor(path: string, init: SqliteFileInit) {
    this.path = path;
    this.#init = init;
    this.#db = this.#guard(() => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return new (loadSqlite().DatabaseSync)(path, { timeout: init.busyMs ?? BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    });
    try {
      init.opened?.();
      this.exec(`PRAGMA journal_mode = WAL; ${init.pragmas}`);
      init.check?.(this);
      this.isNew = this.#migrate() === 0;
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get isInTransaction(): boolean {
    return this.#isInTransaction;
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

  exec(sql: string): void {
    this.#guard(() => this.#db.exec(sql));
  }

  /** All or nothing, and alone: no other process writes meanwhile. Inside another one it is part of that. */
  transaction<T>(work: () => T): T {
    if (this.#isInTransaction) return work();
    this.exec('BEGIN IMMEDIATE');
    this.#isInTransaction = true;
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk may have rolled back already.
      try { this.#db.exec('ROLLBACK'); } catch { /* nothing is left to roll back */ }
      throw error;
    } finally {
      this.#isInTransaction = false;
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

  /** Returns the version that it had. */
  #migrate(): number {
    const { migrations, tooNew } = this.#init;
    const version = (): number => Number(this.get<{ user_version: number }>('PRAGMA user_version')?.user_version);
    const before = version();
    if (before > migrations.length) throw tooNew(before);
    if (before === migrations.length) return before;
    this.transaction(() => {
      // Another process may have come first.
      for (const [index, sql] of migrations.entries()) if (index >= version()) this.exec(`${sql}; PRAGMA user_version = ${index + 1}`);
    });
    return before;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { errcode, code, message: reason = '' } = error as { errcode?: number; code?: string; message?: string };
      if (code !== 'ERR_SQLITE_ERROR' && code !== 'EACCES' && code !== 'EROFS') throw error;
      throw this.#init.coded(error, { code: errcode === undefined ? SQLITE_CODES.cantOpen : errcode & 0xff, reason });
    }
  }
}

/**
 * Node's own SQLite, loaded when the first file is opened. Node 22 calls it experimental on stderr, in the middle of a command's progress;
 * the API is the one of Node 24.
 */
export function loadSqlite(): typeof Sqlite {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
