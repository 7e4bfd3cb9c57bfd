import { open, readFile, rm } from 'node:fs/promises';
import { isAlive } from '../../../base/index.ts';
import { hubErrors } from '../errors.ts';

/** One process at a time writes a partial file. A lock whose process is gone counts for nothing. Throws HUB_BUSY. */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw hubErrors.writeFailed({ path }, error);
    });
    if (file !== undefined) {
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return () => rm(path, { force: true });
    }
    const pid = Number(await readFile(path, 'latin1').catch(() => ''));
    if (isAlive(pid)) throw hubErrors.busy({ path, pid });
    await rm(path, { force: true });
  }
}
