import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadSqlite } from '../../base/index.ts';
import { catalogErrors } from '../errors.ts';
import { damageMarker } from './database.ts';

/** How long one process waits while another mends. */
const MEND_TIMEOUT_MS = 120_000;

/** Runs `work` while no other process mends this catalogue. The lock is the system's, so that it ends with its process; its file stays. */
export function whileMending<T>(path: string, work: () => T): T {
  const sqlite = loadSqlite();
  const lock = new sqlite.DatabaseSync(`${path}.mend`, { timeout: MEND_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return work();
  } catch (error) {
    throw unusable(path, error);
  } finally {
    lock.close();
  }
}

/**
 * Moves a damaged catalogue, with its log, to a name with the time in it. Whoever comes from now on waits for the new one. Returns
 * where it is, also when an earlier mending ended after this step; undefined when nothing is left of it.
 */
export function setAside(path: string, now: number): string | undefined {
  writeFileSync(damageMarker(path), '');
  if (!existsSync(path)) return asideOf(path).at(-1);
  const aside = `${stemOf(path)}${new Date(now).toISOString().replaceAll(':', '-').replace(/\.\d+/, '')}.db`;
  // The log first: without it the file alone still says that it is damaged, and the other way round it would be taken for that of another.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
  renameSync(path, aside);
  return aside;
}

/** Gives the new catalogue, closed, its name; from now on it is opened. */
export function putInPlace(fresh: string, path: string): void {
  for (const ending of ['-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
  renameSync(fresh, path);
  rmSync(damageMarker(path), { force: true });
}

const stemOf = (path: string): string => path.replace(/(\.db)?$/, '.damaged-');

function asideOf(path: string): string[] {
  const stem = basename(stemOf(path));
  return readdirSync(dirname(path)).filter((name) => name.startsWith(stem) && name.endsWith('.db')).toSorted().map((name) => join(dirname(path), name));
}

function unusable(path: string, error: unknown): unknown {
  const { code, message, syscall } = error as { code?: string; message?: string; syscall?: string };
  return code === 'ERR_SQLITE_ERROR' || syscall !== undefined ? catalogErrors.unusable({ path, reason: message ?? '' }, error) : error;
}
