import type { SqliteFile } from '../../base/index.ts';
import { openDatabase } from '../sqlite.ts';
import type { Hex } from '../types.ts';

const MIGRATIONS = [`
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE blocks (number INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, raw TEXT) STRICT;
  CREATE TABLE states (number INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;
  CREATE TABLE given (day INTEGER NOT NULL, id TEXT PRIMARY KEY) STRICT;
`];
/** The newest may be what anvil cannot read any more. */
const KEPT_STATES = 2;

/** A block, and what is in it: one transaction, or none. */
export interface JournalBlock {
  readonly number: number;
  readonly timestamp: number;
  readonly raw: Hex | null;
}

/**
 * The embedded chain as it lasts: its blocks in order, written before they are mined, and states of anvil's as a shorter way to the newest. What anvil holds is
 * made of it at each start. Held by one process at a time, until that process ends.
 */
export class Journal {
  readonly #file: SqliteFile;

  /** Throws CHAIN_IN_USE and what `openDatabase` throws. */
  constructor(path: string) {
    this.#file = openDatabase(path, MIGRATIONS, 'PRAGMA locking_mode = EXCLUSIVE');
    // In exclusive mode the first write takes the lock, and keeps it.
    this.#file.run('INSERT INTO facts VALUES (\'opened\', \'\') ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  }

  fact(name: string): string | undefined {
    return this.#file.get<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)?.value;
  }

  setFact(name: string, value: string): void {
    this.#file.run('INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value);
  }

  blocksFrom(number: number): JournalBlock[] {
    return this.#file.all<JournalBlock>('SELECT number, timestamp, raw FROM blocks WHERE number >= ? ORDER BY number', number);
  }

  newest(): JournalBlock | undefined {
    return this.#file.get<JournalBlock>('SELECT number, timestamp, raw FROM blocks ORDER BY number DESC LIMIT 1');
  }

  append({ number, timestamp, raw }: JournalBlock): void {
    this.#file.run('INSERT INTO blocks VALUES (?, ?, ?)', number, timestamp, raw);
  }

  /** A block that anvil refused. */
  dropNewest(number: number): void {
    this.#file.run('DELETE FROM blocks WHERE number = ?', number);
  }

  states(): { readonly number: number; readonly state: Uint8Array }[] {
    return this.#file.all('SELECT number, state FROM states ORDER BY number DESC');
  }

  addState(number: number, state: Uint8Array): void {
    this.#file.transaction(() => {
      this.#file.run('INSERT OR REPLACE INTO states VALUES (?, ?)', number, state);
      this.#file.run('DELETE FROM states WHERE number NOT IN (SELECT number FROM states ORDER BY number DESC LIMIT ?)', KEPT_STATES);
    });
  }

  dropState(number: number): void {
    this.#file.run('DELETE FROM states WHERE number = ?', number);
  }

  /** Whether there was room for one more on this day; what was given under an id is not given again. */
  give(day: number, id: string, perDay: number): boolean {
    return this.#file.transaction(() => {
      if (this.#file.get('SELECT 1 FROM given WHERE id = ?', id) !== undefined) return true;
      const { count = 0 } = this.#file.get<{ count: number }>('SELECT COUNT(*) AS count FROM given WHERE day = ?', day) ?? {};
      if (count >= perDay) return false;
      this.#file.run('DELETE FROM given WHERE day < ?', day - 7);
      this.#file.run('INSERT INTO given VALUES (?, ?)', day, id);
      return true;
    });
  }

  close(): void {
    this.#file.close();
  }
}
