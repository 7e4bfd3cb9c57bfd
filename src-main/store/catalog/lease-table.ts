import { isAlive } from '../../base/index.ts';
import { catalogErrors } from '../errors.ts';
import type { Database } from './database.ts';

/** Held until `release`, or until its process ends, however that ends. */
export interface Lease {
  release(): void;
}

export interface LeaseOptions {
  /** Nobody else may lease it meanwhile; without, only an exclusive lease is in the way. */
  readonly isExclusive?: boolean;
}

/** The resource that a download from a hub leases, alone; `path` is where the whole file will lie. */
export const downloadLease = (path: string): string => `download:${path}`;

/** The resource that a writer of a shard leases, alone. */
export const writeLease = (cid: string): string => `write:${cid}`;

/** Says which shards and folders are in use, in all processes of this home, so that they are not removed. */
export class LeaseTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** `resource` is a CID or a folder. Throws CATALOG_IN_USE. */
  take(resource: string, { isExclusive = false }: LeaseOptions = {}): Lease {
    const id = this.#db.transaction(() => {
      const others = this.#holders(resource);
      const inTheWay = others.find((other) => isExclusive || other.is_exclusive === 1);
      if (inTheWay !== undefined) throw catalogErrors.inUse({ resource, pid: inTheWay.pid });
      this.#db.run('INSERT INTO leases (resource, pid, is_exclusive) VALUES (?, ?, ?)', resource, process.pid, Number(isExclusive));
      return this.#db.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0;
    });
    return { release: () => void this.#db.note(() => this.#db.run('DELETE FROM leases WHERE id = ?', id)) };
  }

  /** What this process holds of them, whoever in it took it. */
  letGo(resources: readonly string[]): void {
    this.#db.transaction(() => { for (const resource of resources) this.#db.run('DELETE FROM leases WHERE resource = ? AND pid = ?', resource, process.pid); });
  }

  /** Of a process that took it in a catalogue which was lost. */
  restore(resource: string, pid: number, isExclusive: boolean): void {
    if (isAlive(pid)) this.#db.run('INSERT INTO leases (resource, pid, is_exclusive) VALUES (?, ?, ?)', resource, pid, Number(isExclusive));
  }

  isHeld(resource: string): boolean {
    return this.holder(resource) !== undefined;
  }

  /** A process that holds it. */
  holder(resource: string): number | undefined {
    return this.#holders(resource)[0]?.pid;
  }

  count(): number {
    this.#dropDead();
    return this.#db.get<{ count: number }>('SELECT count(*) AS count FROM leases')?.count ?? 0;
  }

  #holders(resource: string): { pid: number; is_exclusive: number }[] {
    this.#dropDead();
    return this.#db.all('SELECT pid, is_exclusive FROM leases WHERE resource = ?', resource);
  }

  // A number that another process has by now only keeps a shard a little longer.
  #dropDead(): void {
    for (const { pid } of this.#db.all<{ pid: number }>('SELECT DISTINCT pid FROM leases')) {
      if (!isAlive(pid)) this.#db.note(() => this.#db.run('DELETE FROM leases WHERE pid = ?', pid));
    }
  }
}
