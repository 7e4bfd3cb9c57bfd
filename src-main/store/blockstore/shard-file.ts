import { open, type FileHandle } from 'node:fs/promises';
import { isLeaf, LEAF_BYTES, leafLength, type LeafSet, type ShardTree } from '../dag/index.ts';
import { blockErrors } from '../errors.ts';

/** A shard, or the part of one that is there, as it lies on the disk. */
export interface ShardFile extends ShardTree {
  readonly path: string;
  /** Where in the file the shard starts; 0 for a file that is the shard. */
  readonly offsetBytes?: number;
  /** When the file was last known to be right, in milliseconds since 1970; a younger file is reported. */
  readonly mtimeMs?: number;
  /** The leaves that are there; absent where all are. */
  readonly present?: LeafSet;
}

/** What was found wrong with a file. It is told, and never served. */
export interface ShardProblem {
  readonly cid: string;
  readonly path: string;
  /**
   * `gone`: no such file, or not to be read. `changed`: another size or time than was recorded; what still has its hash is served.
   * `damaged`: leaf `leaf` has other bytes than its hash says.
   */
  readonly kind: 'gone' | 'changed' | 'damaged';
  readonly leaf?: number;
}

export type OnProblem = (problem: ShardProblem) => void;

/** Leaves of one shard, out of an open file, each checked before it is given. */
export class ShardReader {
  readonly #file: ShardFile;
  readonly #handle: FileHandle;
  readonly #onProblem: OnProblem;

  private constructor(file: ShardFile, handle: FileHandle, onProblem: OnProblem) {
    this.#file = file;
    this.#handle = handle;
    this.#onProblem = onProblem;
  }

  /** Throws BLOCK_GONE. */
  static async open(file: ShardFile, onProblem: OnProblem = () => undefined): Promise<ShardReader> {
    const handle = await open(file.path, 'r').catch((error: unknown) => {
      onProblem({ cid: file.cid, path: file.path, kind: 'gone' });
      throw blockErrors.gone({ cid: file.cid, path: file.path }, error);
    });
    const reader = new ShardReader(file, handle, onProblem);
    await reader.#compare();
    return reader;
  }

  get cid(): ShardTree['cid'] {
    return this.#file.cid;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  leafHashes(): Promise<Uint8Array> {
    return Promise.resolve(this.#file.leafHashes);
  }

  /** One leaf, into the buffer given or a new one. Throws DAG_NO_SUCH_LEAF, BLOCK_NOT_HERE, BLOCK_DAMAGED. */
  async read(leaf: number, into?: Uint8Array): Promise<Uint8Array> {
    const { cid, path, present, offsetBytes = 0, sizeBytes } = this.#file;
    const length = leafLength(sizeBytes, leaf);
    if (present?.has(leaf) === false) throw blockErrors.notHere({ cid });
    const start = offsetBytes + LEAF_BYTES * leaf;
    const bytes = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    const done = await this.#fill(bytes, start);
    if (done === length && isLeaf(this.#file, leaf, bytes)) return bytes;
    this.#onProblem({ cid, path, kind: 'damaged', leaf });
    throw blockErrors.damaged({ cid, path, leaf });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  // A disk that cannot be read has lost the leaf as much as one that gives other bytes.
  async #fill(bytes: Uint8Array, start: number): Promise<number> {
    let done = 0;
    while (done < bytes.length) {
      const bytesRead = await this.#handle.read(bytes, done, bytes.length - done, start + done).then((result) => result.bytesRead, () => 0);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async #compare(): Promise<void> {
    const { cid, path, mtimeMs, sizeBytes, offsetBytes = 0 } = this.#file;
    const found = await this.#handle.stat();
    const isSame = found.size >= offsetBytes + sizeBytes && (mtimeMs === undefined || Math.abs(found.mtimeMs - mtimeMs) < 1);
    if (!isSame) this.#onProblem({ cid, path, kind: 'changed' });
  }
}
