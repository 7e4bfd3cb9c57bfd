import type * as Sqlite from 'node:sqlite';

/**
 * Node's own SQLite, loaded when the first catalogue is opened. Node 22 calls it
 * experimental on stderr, in the middle of a command's progress; the API is the one of Node 24.
 */
export function loadSqlite(): typeof Sqlite {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
