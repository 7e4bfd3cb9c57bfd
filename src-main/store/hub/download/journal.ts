import { open, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { HASH_BYTES, leafCount, MAX_TREE_BYTES } from '../../dag/index.ts';
import type { RemoteFile } from '../remote-file.ts';

/**
 * Says which leaves of a partial file were written, and with which hash. A line is
 * appended after the leaf; neither is synced, because on resuming every leaf named
 * is read again and counts only with its hash. So kill -9 loses the leaf under way,
 * and a power cut what the disk had not taken yet.
 */
export class Journal {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Goes on with a journal whose content is known, or starts one. */
  static async open(path: string, remote: RemoteFile, isNew: boolean): Promise<Journal> {
    const file = await open(path, isNew ? 'w' : 'a', 0o600);
    try {
      // A line cut off by a crash must not swallow the next one.
      await file.appendFile(isNew ? `${JSON.stringify(headOf(remote))}\n` : '\n');
      return new Journal(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async add(leaf: number, hash: Uint8Array): Promise<void> {
    await this.#file.appendFile(`${leaf} ${Buffer.from(hash).toString('hex')}\n`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

const headSchema = z.strictObject({ version: z.literal(1), sizeBytes: z.number().int().positive(), file: z.string().min(1).max(512) });

// Without address: it may be signed, and another mirror of the same version will do.
const headOf = ({ sizeBytes, version }: RemoteFile): z.infer<typeof headSchema> => ({ version: 1, sizeBytes, file: version });

/** Each leaf twice, and more than its head. */
const journalBytes = (leaves: number): number => 1024 + leaves * 2 * (2 * HASH_BYTES + 12);

/** Hashes by leaf that a journal names for this version of the file; undefined when it is of another or not usable. */
export async function readJournal(path: string, remote: RemoteFile): Promise<Map<number, Uint8Array> | undefined> {
  const leaves = leafCount(remote.sizeBytes);
  const text = await boundedText(path, journalBytes(leaves));
  const [head = '', ...lines] = text?.split('\n') ?? [];
  if (remote.version === '' || !isSame(head, remote)) return undefined;
  const hashes = new Map<number, Uint8Array>();
  for (const line of lines) {
    const [, leaf, hash] = /^(\d{1,7}) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (hash !== undefined && Number(leaf) < leaves) hashes.set(Number(leaf), Buffer.from(hash, 'hex'));
  }
  return hashes;
}

/** Size of the file that a journal is for; undefined when it is not usable. */
export async function journalSize(path: string): Promise<number | undefined> {
  const [head = ''] = (await boundedText(path, journalBytes(leafCount(MAX_TREE_BYTES))))?.split('\n', 1) ?? [];
  return headOrNone(head)?.sizeBytes;
}

async function boundedText(path: string, maxBytes: number): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size <= maxBytes ? readFile(path, 'latin1') : undefined;
}

function isSame(head: string, remote: RemoteFile): boolean {
  const found = headOrNone(head);
  return found?.sizeBytes === remote.sizeBytes && found.file === remote.version;
}

function headOrNone(head: string): z.infer<typeof headSchema> | undefined {
  try {
    return headSchema.safeParse(JSON.parse(head)).data;
  } catch {
    return undefined;
  }
}

export const removeJournal = (path: string): Promise<void> => rm(path, { force: true });
