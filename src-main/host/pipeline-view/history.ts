import { rmSync } from 'node:fs';
import { isCoded, SQLITE_CODES, SqliteFile, type Logger } from '../../base/index.ts';
import { answerDetailSchema, answerEntrySchema, PIPELINE_LIMITS, type AnswerDetail, type AnswerEntry } from '../../../src-preload/bridge/index.ts';
import { hostErrors } from '../errors.ts';

/** Each one makes the next version. */
const MIGRATIONS = [
  `CREATE TABLE answers (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     model TEXT NOT NULL,
     entry TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE INDEX answers_of_model ON answers (model, id)`,
] as const;

export type AnswerRecord = Omit<AnswerDetail, 'id'>;

/** The last 1,000 answers, without anything that was said. May be removed: a damaged file is begun anew. */
export class AnswerHistory {
  readonly #db: SqliteFile;

  /** Throws HOST_HISTORY_UNUSABLE. */
  constructor(path: string, { logger }: { readonly logger: Pick<Logger, 'warn'> }) {
    try {
      this.#db = open(path);
    } catch (error) {
      if (!isCoded(error, 'HOST_HISTORY_DAMAGED')) throw error;
      logger.warn({ path }, 'the history of answers is damaged: it is begun anew');
      for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
      this.#db = open(path);
    }
  }

  /** What is more than 1,000 old is forgotten. */
  add(record: AnswerRecord): void {
    // What is not of the contract is found out here, not when it is read.
    const detail = answerDetailSchema.omit({ id: true }).parse(record);
    const entry = answerEntrySchema.omit({ id: true }).parse(record);
    this.#db.transaction(() => {
      this.#db.run('INSERT INTO answers (model, entry, detail) VALUES (?, ?, ?)', record.model, JSON.stringify(entry), JSON.stringify(detail));
      this.#db.run('DELETE FROM answers WHERE id <= (SELECT max(id) FROM answers) - ?', PIPELINE_LIMITS.answers);
    });
  }

  /** The newest first. */
  list({ offset, limit }: { readonly offset: number; readonly limit: number }): { readonly answers: AnswerEntry[]; readonly total: number } {
    const rows = this.#db.all<{ id: number; entry: string }>('SELECT id, entry FROM answers ORDER BY id DESC LIMIT ? OFFSET ?', limit, offset);
    const total = this.#db.get<{ total: number }>('SELECT count(*) AS total FROM answers')?.total ?? 0;
    return { total, answers: rows.flatMap(({ id, entry }) => answerEntrySchema.safeParse({ ...asObject(entry), id }).data ?? []) };
  }

  get(id: number): AnswerDetail | undefined {
    const row = this.#db.get<{ detail: string }>('SELECT detail FROM answers WHERE id = ?', id);
    return row === undefined ? undefined : answerDetailSchema.safeParse({ ...asObject(row.detail), id }).data;
  }

  /** The newest of one model, the newest first. */
  recent(model: string, limit: number): AnswerDetail[] {
    const rows = this.#db.all<{ id: number; detail: string }>('SELECT id, detail FROM answers WHERE model = ? ORDER BY id DESC LIMIT ?', model, limit);
    return rows.flatMap(({ id, detail }) => answerDetailSchema.safeParse({ ...asObject(detail), id }).data ?? []);
  }

  clear(): void {
    this.#db.run('DELETE FROM answers');
  }

  close(): void {
    this.#db.close();
  }
}

function open(path: string): SqliteFile {
  return new SqliteFile(path, {
    pragmas: 'PRAGMA synchronous = NORMAL', migrations: MIGRATIONS,
    tooNew: (version) => hostErrors.historyUnusable({ path, reason: `it was written by a newer OmniNode (version ${version})` }),
    coded: (error, { code, reason }) => {
      const isDamaged = code === SQLITE_CODES.corrupt || code === SQLITE_CODES.notADatabase;
      return isDamaged ? hostErrors.historyDamaged({ path, reason }, error) : hostErrors.historyUnusable({ path, reason }, error);
    },
  });
}

function asObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
