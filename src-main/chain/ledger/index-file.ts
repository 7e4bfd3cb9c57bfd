import type { SqliteFile } from '../../base/index.ts';
import { openDatabase } from '../sqlite.ts';
import type { Hex } from '../types.ts';
import type { ChainEvent } from './events.ts';

const MIGRATIONS = [`
  CREATE TABLE events (block INTEGER NOT NULL, position INTEGER NOT NULL, at_s INTEGER NOT NULL, tx TEXT NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL, PRIMARY KEY (block, position)) STRICT;
  CREATE INDEX events_by_name ON events (name, block);
  CREATE TABLE marks (block INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
`,
  // Since then committees' events are read too: everything once more.
  'DELETE FROM marks; DELETE FROM events'];
/** How far back a reorganisation is undone step by step; beyond that everything is read anew. */
const KEPT_MARKS = 128;

/** Up to where the chain was read, and which block that was. */
export interface Mark {
  readonly block: number;
  readonly hash: Hex;
}

/** Events that were read of the chain. It can be thrown away at any time. */
export class IndexFile {
  readonly #file: SqliteFile;

  /** Throws what `openDatabase` throws. */
  constructor(path: string) {
    this.#file = openDatabase(path, MIGRATIONS);
  }

  close(): void {
    this.#file.close();
  }

  mark(): Mark | undefined {
    return this.#file.get<Mark>('SELECT block, hash FROM marks ORDER BY block DESC LIMIT 1');
  }

  /** Takes back what was read after the mark before the newest. */
  dropMark({ block }: Mark): void {
    this.#file.transaction(() => {
      this.#file.run('DELETE FROM marks WHERE block >= ?', block);
      this.#file.run('DELETE FROM events WHERE block > ?', this.mark()?.block ?? -1);
    });
  }

  add(events: readonly ChainEvent[], { block, hash }: Mark): void {
    this.#file.transaction(() => {
      for (const { position, atS, tx, name, args, block: at } of events) this.#file.run('INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)', at, position, atS, tx, name, JSON.stringify(args));
      this.#file.run('INSERT OR REPLACE INTO marks VALUES (?, ?)', block, hash);
      this.#file.run('DELETE FROM marks WHERE block NOT IN (SELECT block FROM marks ORDER BY block DESC LIMIT ?)', KEPT_MARKS);
    });
  }

  /** In the chain's order. */
  events(): ChainEvent[] {
    const rows = this.#file.all<{ block: number; position: number; at_s: number; tx: Hex; name: string; args: string }>('SELECT * FROM events ORDER BY block, position');
    return rows.map(({ at_s: atS, args, ...row }) => ({ ...row, atS, args: JSON.parse(args) }) as ChainEvent);
  }
}
