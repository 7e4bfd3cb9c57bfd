import { SQLITE_CODES, SqliteFile } from '../base/index.ts';
import { chainErrors } from './errors.ts';

/** A database of the chain's; what was committed survives a power cut. Throws CHAIN_DAMAGED, CHAIN_TOO_NEW, CHAIN_UNUSABLE, CHAIN_IN_USE. */
export const openDatabase = (path: string, migrations: readonly string[], pragmas = ''): SqliteFile => new SqliteFile(path, {
  pragmas: `PRAGMA synchronous = FULL; ${pragmas}`, migrations,
  tooNew: (version) => chainErrors.tooNew({ path, version }),
  coded: (error, { code, reason }) => {
    if (code === SQLITE_CODES.busy || code === SQLITE_CODES.locked) return chainErrors.inUse({ path }, error);
    const isDamaged = code === SQLITE_CODES.corrupt || code === SQLITE_CODES.notADatabase;
    return isDamaged ? chainErrors.damaged({ path, reason }, error) : chainErrors.unusable({ path, reason }, error);
  },
});
