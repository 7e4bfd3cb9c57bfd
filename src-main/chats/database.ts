import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type * as Sqlite from 'node:sqlite';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { chatsErrors } from './errors.ts';
import { MIGRATIONS } from './schema.ts';

const BUSY_TIMEOUT_MS = 10_000;
/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const DAMAGED = [11, 26];

/** One SQLite file in WAL mode. A change is whole or absent after a crash. Throws CHATS_DAMAGED, CHATS_TOO_NEW, CHATS_UNUSABLE. */
export class Database {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #isInTransaction = false;

  constructor(path: string) {
    this.#path = path;
    this.#db = this.#guard(() => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return new (loadSqlite().DatabaseSync)(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    });
    try {
      this.#guard(() => this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON'));
      this.#migrate();
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

  /** All or nothing. Inside another one it is part of that. */
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

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #migrate(): void {
    const version = (): number => Number(this.get<{ user_version: number }>('PRAGMA user_version')?.user_version);
    if (version() > MIGRATIONS.length) throw chatsErrors.tooNew({ path: this.#path, version: version() });
    if (version() === MIGRATIONS.length) return;
    this.transaction(() => {
      // Another process may have come first.
      for (const [index, sql] of MIGRATIONS.entries()) if (index >= version()) this.#guard(() => this.#db.exec(`${sql}; PRAGMA user_version = ${index + 1}`));
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { errcode, code, message = '' } = error as { errcode?: number; code?: string; message?: string };
      if (code !== 'ERR_SQLITE_ERROR' && code !== 'EACCES' && code !== 'EROFS') throw error;
      const at = { path: this.#path, reason: message };
      throw errcode !== undefined && DAMAGED.includes(errcode & 0xff) ? chatsErrors.damaged(at, error) : chatsErrors.unusable(at, error);
    }
  }
}

/** Moves a damaged file, with its log, beside itself. Returns where it is. */
export function setAside(path: string, nowMs: number): string {
  const aside = `${path}.damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`;
  for (const ending of ['-wal', '-shm', '']) if (existsSync(`${path}${ending}`)) renameSync(`${path}${ending}`, `${aside}${ending}`);
  return aside;
}

// Node 22 calls its SQLite experimental on stderr; the API is the one of Node 24.
function loadSqlite(): typeof Sqlite {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
