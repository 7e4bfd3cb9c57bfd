import { statfs } from 'node:fs/promises';
import { writeAtomically } from '../base/index.ts';

/** Where the store writes: the disk, or in tests one that fills up. */
export interface StoreFiles {
  /** `write` gets a function that appends; the file appears under its name only when it is whole and synced. */
  writeAtomically(path: string, write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>): Promise<void>;
  freeBytes(folder: string): Promise<number>;
}

export const diskFiles: StoreFiles = {
  writeAtomically: (path, write) => writeAtomically(path, (file) => write((bytes) => file.appendFile(bytes))),
  freeBytes: async (folder) => {
    const stat = await statfs(folder);
    return stat.bavail * stat.bsize;
  },
};
