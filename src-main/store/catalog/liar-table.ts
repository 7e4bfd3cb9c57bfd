import { asPeerId, type Clock, type PeerId } from '../../base/index.ts';
import type { Database } from './database.ts';

/** For how long a peer is passed over after its first lie; each further one doubles it. */
const FIRST_MS = 60 * 60_000;
const MOST_DOUBLINGS = 8;
/** What a stranger with many identities may make us remember. */
const MAX_LIARS = 4096;

export interface Liar {
  readonly peer: PeerId;
  readonly lies: number;
  /** Unix time in milliseconds, until when it is not sought out. */
  readonly until: number;
}

/** Peers that gave what was not what they said. Each lie was a fetch for itself: within one, they are dropped at the first. */
export class LiarTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** One more lie. */
  note(peer: PeerId): void {
    const now = this.#clock.now();
    this.#db.note(() => this.#db.transaction(() => {
      const lies = 1 + (this.#db.get<{ lies: number }>('SELECT lies FROM liars WHERE peer = ?', peer)?.lies ?? 0);
      this.#db.run('INSERT OR REPLACE INTO liars VALUES (?, ?, ?)', peer, lies, now + FIRST_MS * 2 ** Math.min(lies - 1, MOST_DOUBLINGS));
      this.#db.run('DELETE FROM liars WHERE peer NOT IN (SELECT peer FROM liars ORDER BY until DESC LIMIT ?)', MAX_LIARS);
    }));
  }

  /** Those that are passed over at present. */
  all(): Liar[] {
    return this.#db.all<{ peer: string; lies: number; until: number }>('SELECT peer, lies, until FROM liars WHERE until > ? ORDER BY peer', this.#clock.now())
      .map(({ peer, lies, until }) => ({ peer: asPeerId(peer), lies, until }));
  }

  has(peer: PeerId): boolean {
    return this.#db.get('SELECT 1 FROM liars WHERE peer = ? AND until > ?', peer, this.#clock.now()) !== undefined;
  }
}
