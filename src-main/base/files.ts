import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file so that its final name only ever holds a whole file: temp file
 * beside it, fsync, rename, fsync of the folder. A failure removes the temp file;
 * after kill -9 at most a `*.partial` file is left.
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  const file = await open(partial, 'wx', mode);
  try {
    await write(file);
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

/** Makes a rename in this folder survive a power cut. Windows cannot open a folder; there the rename itself is journaled. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

/** A small text file whole; undefined where there is none. Throws what `tooLarge` makes of a size over the limit, before it reads. */
export async function readSmallFile(path: string, { limitBytes, tooLarge }: { readonly limitBytes: number; readonly tooLarge: (sizeBytes: number) => Error }): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(error)));
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > limitBytes) throw tooLarge(size);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
