import { SQLITE_CODES, SqliteFile } from '../base/index.ts';
import { chainErrors } from './errors.ts';

/** Whoever has one of them keeps it while it runs: to wait for long is of no use. */
const BUSY_MS = 1_000;

/** A database of the chain's; what was committed survives a power cut. Throws CHAIN_DAMAGED, CHAIN_TOO_NEW, CHAIN_UNUSABLE, CHAIN_IN_USE. */
export const openDatabase = (path: string, migrations: readonly string[], pragmas = ''): SqliteFile => new SqliteFile(path, {
  pragmas: `PRAGMA synchronous = FULL; ${pragmas}`, migrations, busyMs: BUSY_MS,
  tooNew: (version) => chainErrors.tooNew({ path, version }),
  coded: (error, { code, reason }) => {
    if (code === SQLITE_CODES.busy || code === SQLITE_CODES.locked) return chainErrors.inUse({ path }, error);
    const isDamaged = code === SQLITE_CODES.corrupt || code === SQLITE_CODES.notADatabase;
    return isDamaged ? chainErrors.damaged({ path, reason }, error) : chainErrors.unusable({ path, reason }, error);
  },
});
