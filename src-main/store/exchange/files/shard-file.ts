import { mkdir, open, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isLeaf, LEAF_BYTES, leafCount, leafLength, type ShardTree } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import type { ShardReader, ShardWriter } from '../ports.ts';
import { bitmapBytes, hasBit, setBit, type Held } from '../schedule/holdings.ts';
import { checkFile, readFully } from './check-file.ts';

/** The name that a file has until it is whole. */
export const partialPath = (path: string): string => `${path}.partial`;

/**
 * One shard in one file, whole or on its way to that. There is no record of what was written: a file that was begun is
 * read and hashed once when it is opened, so that nothing is trusted after a crash and nothing good is fetched again.
 */
export class ShardFile implements ShardWriter {
  readonly tree: ShardTree;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #bits: Uint8Array;
  readonly #leaves: number;
  #count: number;
  #isNamed: boolean;
  #users = 0;
  #isClosing = false;

  private constructor(init: { readonly tree: ShardTree; readonly path: string; readonly file: FileHandle; readonly bits: Uint8Array; readonly count: number; readonly isNamed: boolean }) {
    this.tree = init.tree;
    this.path = init.path;
    this.#file = init.file;
    this.#bits = init.bits;
    this.#count = init.count;
    this.#isNamed = init.isNamed;
    this.#leaves = leafCount(init.tree.sizeBytes);
  }

  /** To be filled: takes up what an earlier run wrote, or a file of that name in which something is damaged. Throws EXCHANGE_WRITE_FAILED. */
  static async toFill(path: string, tree: ShardTree, signal?: AbortSignal): Promise<ShardFile> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const whole = await ShardFile.#ifWhole(path, tree, signal);
      if (whole !== undefined) return whole;
      const file = await open(partialPath(path), 'r+').catch(() => open(partialPath(path), 'w+'));
      return new ShardFile({ tree, path, file, isNamed: false, ...await checkFile(file, tree, signal) });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : exchangeErrors.writeFailed({ path }, error);
    }
  }

  /** A whole file to be given to others, whose tree was computed from it. Throws EXCHANGE_READ_FAILED. */
  static async whole(path: string, tree: ShardTree): Promise<ShardFile> {
    try {
      const file = await open(path, 'r');
      const bits = new Uint8Array(bitmapBytes(leafCount(tree.sizeBytes))).fill(0xff);
      return new ShardFile({ tree, path, file, bits, count: leafCount(tree.sizeBytes), isNamed: true });
    } catch (error) {
      throw exchangeErrors.readFailed({ path }, error);
    }
  }

  static async #ifWhole(path: string, tree: ShardTree, signal: AbortSignal | undefined): Promise<ShardFile | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const file = await open(path, 'r');
    const checked = await checkFile(file, tree, signal);
    if (found.size === tree.sizeBytes && checked.count === leafCount(tree.sizeBytes)) return new ShardFile({ tree, path, file, isNamed: true, ...checked });
    // Damaged: its good leaves are kept, under a name that promises nothing.
    await file.close();
    await rename(path, partialPath(path));
    return undefined;
  }

  get isWhole(): boolean {
    return this.#count === this.#leaves;
  }

  held(): Held {
    return this.isWhole ? 'all' : this.#count === 0 ? 'none' : this.#bits;
  }

  has(leaf: number): boolean {
    return hasBit(this.#bits, leaf);
  }

  *missing(): Iterable<number> {
    for (let leaf = 0; leaf < this.#leaves; leaf++) if (!this.has(leaf)) yield leaf;
  }

  async write(leaf: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, leaf * LEAF_BYTES + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw exchangeErrors.writeFailed({ path: this.path }, error);
    }
    if (this.has(leaf)) return;
    setBit(this.#bits, leaf);
    this.#count++;
  }

  async finish(): Promise<void> {
    if (this.#isNamed) return;
    try {
      // A file that was longer, by another program or a damaged disk, ends where the shard ends.
      await this.#file.truncate(this.tree.sizeBytes);
      await this.#file.sync();
      await rename(partialPath(this.path), this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw exchangeErrors.writeFailed({ path: this.path }, error);
    }
    this.#isNamed = true;
  }

  /** Gives the file back once nobody reads it. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#users === 0) await this.#file.close();
  }

  /** The same file, to give leaves of it to others. */
  reader(): ShardReader {
    this.#users++;
    let isOpen = true;
    const { cid, sizeBytes, leafHashes } = this.tree;
    return {
      cid, sizeBytes,
      held: () => this.held(),
      leafHashes: () => Promise.resolve(leafHashes),
      read: (leaf, into) => this.#read(leaf, into),
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        this.#users--;
        if (this.#isClosing && this.#users === 0) await this.#file.close();
      },
    };
  }

  async #read(leaf: number, into: Uint8Array): Promise<Uint8Array> {
    const at = { offset: leaf * LEAF_BYTES, length: leafLength(this.tree.sizeBytes, leaf) };
    const bytes = await readFully(this.#file, into, at).catch((error: unknown) => { throw exchangeErrors.readFailed({ path: this.path }, error); });
    // Whoever sends a wrong leaf is dropped by everybody: that must not happen for a bad disk.
    if (!isLeaf(this.tree, leaf, bytes)) throw exchangeErrors.damaged({ path: this.path, leaf });
    return bytes;
  }
}

// Windows cannot open a folder; there the rename itself is journaled.
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
