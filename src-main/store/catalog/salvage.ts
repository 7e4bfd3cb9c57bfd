import type { DatabaseSync } from 'node:sqlite';
import { loadSqlite } from '../../base/index.ts';

export type SalvagedRow = Readonly<Record<string, unknown>>;

/** Tables worth reading out of a damaged catalogue, with what orders their rows. Announcements of peers come again by themselves. */
const TABLES = {
  shards: ['rowid'], files: ['rowid'], models: ['rowid'], pins: ['rowid'], leases: ['rowid'],
  model_files: ['rowid'], model_sources: ['rowid'], derived: ['rowid'], derived_ranges: ['cid', 'at'],
  downloads: ['rowid'], reservations: ['rowid'],
} as const;

export type SalvagedTable = keyof typeof TABLES;
export type Salvaged = Readonly<Record<SalvagedTable, readonly SalvagedRow[]>>;

/**
 * Reads what can be read of a damaged database: of each table from the front up to the damage, then from the back. Nothing
 * of it may be trusted before it was checked.
 */
export function salvage(path: string): Salvaged {
  const empty: Salvaged = { shards: [], files: [], models: [], pins: [], leases: [], model_files: [], model_sources: [], derived: [], derived_ranges: [], downloads: [], reservations: [] };
  const sqlite = loadSqlite();
  let db: DatabaseSync | undefined;
  try {
    db = new sqlite.DatabaseSync(path);
    const opened = db;
    return { ...empty, ...Object.fromEntries(Object.entries(TABLES).map(([table, order]) => [table, rowsOf(opened, table, order)])) };
  } catch {
    return empty;
  } finally {
    closeQuietly(db);
  }
}

function rowsOf(db: DatabaseSync, table: string, order: readonly string[]): SalvagedRow[] {
  const rows = new Map<string, SalvagedRow>();
  const isWhole = read(db, { sql: `SELECT * FROM ${table} ORDER BY ${order.join(', ')}`, rows });
  if (!isWhole) read(db, { sql: `SELECT * FROM ${table} ORDER BY ${order.map((column) => `${column} DESC`).join(', ')}`, rows });
  return [...rows.values()];
}

/** Until the end, or until the damage: then false. */
function read(db: DatabaseSync, { sql, rows }: { readonly sql: string; readonly rows: Map<string, SalvagedRow> }): boolean {
  try {
    for (const row of db.prepare(sql).iterate()) rows.set(Object.values(row).map((value) => (value instanceof Uint8Array ? value.length : String(value))).join('\n'), row);
    return true;
  } catch {
    return false;
  }
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch { /* it is damaged, and ours no longer */ }
}
