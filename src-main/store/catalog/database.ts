import { existsSync, statSync, writeFileSync } from 'node:fs';
import { SQLITE_CODES as CODES, SqliteFile } from '../../base/index.ts';
import { catalogErrors } from '../errors.ts';
import { MIGRATIONS } from './schema.ts';

/** Larger catalogues are checked as a whole only after damage was met: it takes a millisecond a megabyte. */
const CHECKED_BYTES = 16 * 1024 * 1024;

/** A file that says that damage was met while the catalogue was in use. */
export const damageMarker = (path: string): string => `${path}.damaged`;

/** The catalogue's file. What it was told is on the disk when a call returns, but for notes. Throws CATALOG_*. */
export class Database extends SqliteFile {
  /** Throws CATALOG_DAMAGED, CATALOG_TOO_NEW, CATALOG_UNUSABLE. */
  constructor(path: string) {
    refuseMarked(path);
    super(path, {
      pragmas: 'PRAGMA synchronous = FULL', migrations: MIGRATIONS, check,
      // Another process may have begun to mend it before this one opened it.
      opened: () => refuseMarked(path),
      tooNew: (version) => catalogErrors.tooNew({ path, version }),
      coded: (error, { code, reason }) => coded(path, error, { code, reason }),
    });
  }

  /** For notes that may be lost when the machine loses power, but not when the process dies: 40 microseconds instead of a sync of the disk. */
  note<T>(work: () => T): T {
    if (this.isInTransaction) return work();
    this.exec('PRAGMA synchronous = NORMAL');
    try {
      return work();
    } finally {
      this.exec('PRAGMA synchronous = FULL');
    }
  }
}

function refuseMarked(path: string): void {
  if (existsSync(damageMarker(path))) throw catalogErrors.damaged({ path, reason: 'damage was met while it was in use' });
}

function check(file: SqliteFile): void {
  if (statSync(file.path).size > CHECKED_BYTES) return;
  const found = file.get<{ quick_check: string }>('PRAGMA quick_check(1)')?.quick_check;
  if (found !== 'ok') throw catalogErrors.damaged({ path: file.path, reason: (found ?? '').replace(/^\*+.*\n/, '').slice(0, 200) });
}

// The next process to open it mends it, also when what it opens first is whole.
function mark(path: string): void {
  try {
    writeFileSync(damageMarker(path), '');
  } catch { /* a disk that takes nothing is another matter */ }
}

function coded(path: string, error: unknown, { code, reason }: { readonly code: number; readonly reason: string }): unknown {
  const at = { path, reason };
  if (code === CODES.busy || code === CODES.locked) return catalogErrors.busy(at, error);
  if (code === CODES.corrupt || code === CODES.notADatabase) {
    mark(path);
    return catalogErrors.damaged(at, error);
  }
  if (code === CODES.full) return catalogErrors.diskFull(at, error);
  const isOutside = code === CODES.readOnly || code === CODES.ioError || code === CODES.cantOpen;
  return isOutside ? catalogErrors.unusable(at, error) : error;
}
