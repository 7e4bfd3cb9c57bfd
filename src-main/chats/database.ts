import { existsSync, renameSync } from 'node:fs';
import type { SQLInputValue } from 'node:sqlite';
import { SQLITE_CODES, SqliteFile } from '../base/index.ts';
import { chatsErrors } from './errors.ts';
import { MIGRATIONS } from './schema.ts';

/** The file of conversations. What is deleted is overwritten. Throws CHATS_DAMAGED, CHATS_TOO_NEW, CHATS_UNUSABLE. */
export class Database extends SqliteFile {
  constructor(path: string) {
    super(path, {
      pragmas: 'PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON', migrations: MIGRATIONS,
      tooNew: (version) => chatsErrors.tooNew({ path, version }),
      coded: (error, { code, reason }) => {
        const isDamaged = code === SQLITE_CODES.corrupt || code === SQLITE_CODES.notADatabase;
        return isDamaged ? chatsErrors.damaged({ path, reason }, error) : chatsErrors.unusable({ path, reason }, error);
      },
    });
  }

  /** The row that must be there; throws CHATS_NOT_FOUND, which calls it `what`. */
  one<Row>(what: string, sql: string, ...values: SQLInputValue[]): Row {
    const row = this.get<Row>(sql, ...values);
    if (row === undefined) throw chatsErrors.notFound({ what });
    return row;
  }
}

/** Moves a damaged file, with its log, beside itself. Returns where it is. */
export function setAside(path: string, nowMs: number): string {
  const aside = `${path}.damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`;
  for (const ending of ['-wal', '-shm', '']) if (existsSync(`${path}${ending}`)) renameSync(`${path}${ending}`, `${aside}${ending}`);
  return aside;
}
