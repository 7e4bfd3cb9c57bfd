import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Hash over the content of files and folders (recursive, sorted) and extra words. */
export function fingerprint(paths, extra = []) {
  const hash = createHash('sha256').update(extra.join('\0'));
  for (const path of paths.flatMap(filesBelow)) hash.update(`\0${path}\0`).update(readFileSync(path));
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  const entries = readdirOrNull(path);
  if (entries === null) return [path];
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((e) => filesBelow(join(path, e.name)));
}

function readdirOrNull(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  }
}

export const isStamped = (file, value) => existsSync(file) && readFileSync(file, 'utf8') === value;

/** Written last and renamed into place: work cut short by a kill is never taken for done. */
export function stamp(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.partial`, value);
  renameSync(`${file}.partial`, file);
}
