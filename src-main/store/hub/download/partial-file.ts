import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { syncFolder } from '../../../base/index.ts';
import { HASH_BYTES, leafHash, leafLength, leafCount, LEAF_BYTES, LeafSet } from '../../dag/index.ts';
import type { HashOptions } from '../../shard/digest.ts';
import type { RemoteFile } from '../remote-file.ts';
import { Journal, readJournal, removeJournal } from './journal.ts';

/** A file that arrives leaf by leaf under another name, with a journal beside it. */
export class PartialFile {
  readonly present: LeafSet;
  /** 32 bytes a leaf, in order; of those that are present. */
  readonly leafHashes: Uint8Array;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #journal: Journal;

  private constructor(parts: { path: string; file: FileHandle; journal: Journal; present: LeafSet; leafHashes: Uint8Array }) {
    this.path = parts.path;
    this.present = parts.present;
    this.leafHashes = parts.leafHashes;
    this.#file = parts.file;
    this.#journal = parts.journal;
  }

  /** Takes up what is there of the same version, leaf by leaf after its hash was compared; else starts anew. */
  static async open(target: string, remote: RemoteFile, options: HashOptions = {}): Promise<PartialFile> {
    const path = partialPath(target);
    const known = await readJournal(journalPath(target), remote);
    // Created or emptied first: `r+` writes in place, but creates nothing.
    await (await open(path, known === undefined ? 'w' : 'a', 0o644)).close();
    const file = await open(path, 'r+');
    const present = new LeafSet(leafCount(remote.sizeBytes));
    const leafHashes = Buffer.alloc(present.size * HASH_BYTES);
    try {
      await checkKnown({ file, remote, known: known ?? new Map(), present, leafHashes }, options);
      return new PartialFile({ path, file, journal: await Journal.open(journalPath(target), remote, known === undefined), present, leafHashes });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Writes one whole leaf, then notes it. `bytes` may be reused afterwards. */
  async write(leaf: number, bytes: Uint8Array): Promise<void> {
    const hash = new Blake3Hasher().update(bytes).digestBuffer();
    for (let done = 0; done < bytes.length;) {
      done += (await this.#file.write(bytes, done, bytes.length - done, leaf * LEAF_BYTES + done)).bytesWritten;
    }
    await this.#journal.add(leaf, hash);
    this.leafHashes.set(hash, leaf * HASH_BYTES);
    this.present.add(leaf);
  }

  /** Gives the whole file its name: data first, then the name, then away with the journal. */
  async finish(target: string): Promise<void> {
    await this.#file.sync();
    await this.close();
    await rename(this.path, target);
    await syncFolder(dirname(target));
    await removeJournal(journalPath(target));
  }

  async close(): Promise<void> {
    await this.#journal.close();
    await this.#file.close();
  }
}

export const partialPath = (target: string): string => `${target}.part`;
export const journalPath = (target: string): string => `${target}.part.journal`;

/** Whether an earlier run left some of this version of the file. */
export const isBegun = async (target: string, remote: RemoteFile): Promise<boolean> => await readJournal(journalPath(target), remote) !== undefined;

/** Takes away what was begun for `target`. */
export async function removePartial(target: string): Promise<void> {
  await rm(partialPath(target), { force: true });
  await removeJournal(journalPath(target));
}

interface Known {
  readonly file: FileHandle;
  readonly remote: RemoteFile;
  readonly known: ReadonlyMap<number, Uint8Array>;
  readonly present: LeafSet;
  readonly leafHashes: Uint8Array;
}

async function checkKnown({ file, remote, known, present, leafHashes }: Known, { signal, onBytes }: HashOptions): Promise<void> {
  const bytes = Buffer.allocUnsafeSlow(LEAF_BYTES);
  for (const [leaf, hash] of known) {
    signal?.throwIfAborted();
    const length = leafLength(remote.sizeBytes, leaf);
    const { bytesRead } = await file.read(bytes, 0, length, leaf * LEAF_BYTES);
    onBytes?.(length);
    leafHashes.set(hash, leaf * HASH_BYTES);
    if (bytesRead === length && new Blake3Hasher().update(bytes.subarray(0, length)).digestBuffer().equals(leafHash(leafHashes, leaf))) present.add(leaf);
  }
}
