import { asPeerId, type Clock, type PeerId } from '../../base/index.ts';
import type { Database } from './database.ts';

export interface Provider {
  readonly peer: PeerId;
  /** Unix time in milliseconds. */
  readonly seenAt: number;
  readonly expiresAt: number;
}

/** Of one shard or manifest; what strangers announce must not fill the disk. */
const MAX_PROVIDERS = 256;
const MAX_ROWS = 262_144;

/** Who said to have what, until when that counts. */
export class ProviderTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Notes an announcement; the oldest of too many is forgotten. */
  seen(cid: string, peer: PeerId, ttlMs: number): void {
    const now = this.#clock.now();
    this.#db.note(() => this.#db.transaction(() => {
      this.#db.run('INSERT OR REPLACE INTO providers VALUES (?, ?, ?, ?)', cid, peer, now, now + ttlMs);
      this.#db.run('DELETE FROM providers WHERE cid = ? AND peer NOT IN (SELECT peer FROM providers WHERE cid = ? ORDER BY seen_at DESC, peer LIMIT ?)', cid, cid, MAX_PROVIDERS);
    }));
  }

  /** The latest first. */
  of(cid: string): Provider[] {
    return this.#db.all<{ peer: string; seen_at: number; expires_at: number }>('SELECT peer, seen_at, expires_at FROM providers WHERE cid = ? AND expires_at > ? ORDER BY seen_at DESC, peer', cid, this.#clock.now())
      .map((row) => ({ peer: asPeerId(row.peer), seenAt: row.seen_at, expiresAt: row.expires_at }));
  }

  forget(peer: PeerId): void {
    this.#db.note(() => this.#db.run('DELETE FROM providers WHERE peer = ?', peer));
  }

  /** Removes what has expired, and the oldest beyond 262,144. Returns how many. */
  sweep(): number {
    return this.#db.note(() => this.#db.run('DELETE FROM providers WHERE expires_at <= ?', this.#clock.now())
      + this.#db.run('DELETE FROM providers WHERE (cid, peer) IN (SELECT cid, peer FROM providers ORDER BY seen_at DESC LIMIT -1 OFFSET ?)', MAX_ROWS));
  }
}
