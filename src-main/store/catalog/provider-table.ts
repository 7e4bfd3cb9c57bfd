import { asPeerId, type Clock, type PeerId } from '../../base/index.ts';
import { MAX_CIDS_PER_PEER } from '../providers/options.ts';
import type { Database } from './database.ts';

export interface Provider {
  readonly cid: string;
  readonly peer: PeerId;
  /** Unix time in milliseconds. */
  readonly seenAt: number;
  readonly expiresAt: number;
  /** Which pieces of a manifest it has, one bit each, its vocabulary last; absent when it did not say. */
  readonly pieces?: Uint8Array;
  /** Where its shards are fetched, the best first; empty when that is not known. */
  readonly addresses: readonly string[];
}

/** What one peer said to have, in one message. */
export interface ProviderNews {
  /** By the peer's clock; older news than the last are not taken. */
  readonly at: number;
  readonly ttlMs: number;
  readonly addresses: readonly string[];
  readonly nodeAddresses: readonly string[];
  readonly entries: ReadonlyArray<{ readonly cid: string; readonly pieces?: Uint8Array }>;
  /** CIDs. */
  readonly gone: readonly string[];
}

/** Of somebody who did not say so here itself. */
export interface FoundNews {
  readonly ttlMs: number;
  readonly addresses?: readonly string[];
  readonly nodeAddresses?: readonly string[];
}

/** Of one shard or manifest, of one peer, and of all; what strangers announce must not fill the disk. */
const MAX_PROVIDERS = 256;
const MAX_ROWS = 262_144;
/** A peer that left is remembered for as long as one of its older messages may be under way. */
const LEFT_MS = 2 * 60 * 60_000;

const ROWS = 'SELECT cid, providers.peer, seen_at, providers.expires_at, pieces, addresses, node_addresses FROM providers LEFT JOIN announcers USING (peer)';

interface Row {
  readonly cid: string;
  readonly peer: string;
  readonly seen_at: number;
  readonly expires_at: number;
  readonly pieces: Uint8Array | null;
  readonly addresses: string | null;
  readonly node_addresses: string | null;
}

/** Who said to have what, until when that counts. */
export class ProviderTable {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Notes that somebody was found to have it, and where; the oldest of too many is forgotten. What a peer announced itself goes before. */
  seen(cid: string, peer: PeerId, { ttlMs, addresses = [], nodeAddresses = [] }: FoundNews): void {
    const now = this.#clock.now();
    this.#db.note(() => this.#db.transaction(() => {
      this.#db.run('INSERT INTO providers VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at, expires_at = max(expires_at, excluded.expires_at)', cid, peer, now, now + ttlMs);
      this.#db.run('INSERT INTO announcers VALUES (?, 0, ?, ?, ?) ON CONFLICT DO UPDATE SET addresses = excluded.addresses, node_addresses = excluded.node_addresses, expires_at = excluded.expires_at WHERE at = 0', peer, JSON.stringify(addresses), JSON.stringify(nodeAddresses), now + ttlMs);
      this.#db.run('DELETE FROM providers WHERE cid = ? AND peer NOT IN (SELECT peer FROM providers WHERE cid = ? ORDER BY seen_at DESC, peer LIMIT ?)', cid, cid, MAX_PROVIDERS);
    }));
  }

  /** Notes what a peer announced; false when that is older than what it announced last. */
  announced(peer: PeerId, { at, ttlMs, addresses, nodeAddresses, entries, gone }: ProviderNews): boolean {
    const now = this.#clock.now();
    return this.#db.note(() => this.#db.transaction(() => {
      const isNews = this.#db.run('INSERT INTO announcers VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, addresses = excluded.addresses, node_addresses = excluded.node_addresses, expires_at = excluded.expires_at WHERE excluded.at >= at', peer, at, JSON.stringify(addresses), JSON.stringify(nodeAddresses), now + Math.max(ttlMs, LEFT_MS)) > 0;
      if (!isNews) return false;
      if (ttlMs === 0) this.#db.run('DELETE FROM providers WHERE peer = ?', peer);
      for (const cid of gone) this.#db.run('DELETE FROM providers WHERE cid = ? AND peer = ?', cid, peer);
      for (const { cid, pieces } of ttlMs === 0 ? [] : entries) this.#db.run('INSERT OR REPLACE INTO providers VALUES (?, ?, ?, ?, ?)', cid, peer, now, now + ttlMs, pieces ?? null);
      this.#boundPeer(peer);
      return true;
    }));
  }

  /** The latest first, at most 256. */
  of(cid: string): Provider[] {
    return this.#db.all<Row>(`${ROWS} WHERE cid = ? AND providers.expires_at > ? ORDER BY seen_at DESC, providers.peer LIMIT ?`, cid, this.#clock.now(), MAX_PROVIDERS).map(providerOf);
  }

  /** Of everything, at most 65,536: the latest first within a CID. */
  all(): Provider[] {
    return this.#db.all<Row>(`${ROWS} WHERE providers.expires_at > ? ORDER BY cid, seen_at DESC, providers.peer LIMIT 65536`, this.#clock.now()).map(providerOf);
  }

  /** Nodes that announced something of late, to be asked: the addresses of each. */
  members(limit: number): string[][] {
    return this.#db.all<{ node_addresses: string }>("SELECT node_addresses FROM announcers WHERE expires_at > ? AND node_addresses <> '[]' AND peer IN (SELECT peer FROM providers WHERE expires_at > ?) ORDER BY expires_at DESC, peer LIMIT ?", this.#clock.now(), this.#clock.now(), limit)
      .map((row) => listOf(row.node_addresses));
  }

  forget(peer: PeerId): void {
    this.#db.note(() => this.#db.run('DELETE FROM providers WHERE peer = ?', peer));
  }

  /** Removes what has expired, and the oldest of too many. Returns how many. */
  sweep(): number {
    const now = this.#clock.now();
    return this.#db.note(() => {
      this.#db.run('DELETE FROM announcers WHERE expires_at <= ?', now);
      return this.#db.run('DELETE FROM providers WHERE expires_at <= ?', now) + this.#boundCids() + this.#boundAll();
    });
  }

  #boundPeer(peer: PeerId): void {
    const count = this.#db.get<{ count: number }>('SELECT count(*) AS count FROM providers WHERE peer = ?', peer)?.count ?? 0;
    if (count > MAX_CIDS_PER_PEER) this.#db.run('DELETE FROM providers WHERE peer = ? AND cid NOT IN (SELECT cid FROM providers WHERE peer = ? ORDER BY seen_at DESC, cid LIMIT ?)', peer, peer, MAX_CIDS_PER_PEER);
  }

  #boundCids(): number {
    const crowded = this.#db.all<{ cid: string }>('SELECT cid FROM providers GROUP BY cid HAVING count(*) > ?', MAX_PROVIDERS);
    return crowded.reduce((sum, { cid }) => sum + this.#db.run('DELETE FROM providers WHERE cid = ? AND peer NOT IN (SELECT peer FROM providers WHERE cid = ? ORDER BY seen_at DESC, peer LIMIT ?)', cid, cid, MAX_PROVIDERS), 0);
  }

  #boundAll(): number {
    const count = this.#db.get<{ count: number }>('SELECT count(*) AS count FROM providers')?.count ?? 0;
    return count <= MAX_ROWS ? 0 : this.#db.run('DELETE FROM providers WHERE (cid, peer) IN (SELECT cid, peer FROM providers ORDER BY seen_at DESC LIMIT -1 OFFSET ?)', MAX_ROWS);
  }
}

// Transfers first: the node itself only says where they are.
const providerOf = ({ cid, peer, seen_at, expires_at, pieces, addresses, node_addresses }: Row): Provider => ({
  cid, peer: asPeerId(peer), seenAt: seen_at, expiresAt: expires_at, ...(pieces === null ? {} : { pieces }), addresses: [...listOf(addresses), ...listOf(node_addresses)],
});

const listOf = (json: string | null): string[] => (json === null ? [] : JSON.parse(json) as string[]);
