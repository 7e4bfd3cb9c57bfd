import { existsSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { ShardCid } from '../../base/index.ts';
import type { ShardProblem } from '../blockstore/index.ts';
import { dataPath, type Catalog, type DerivedShard, type Lease } from '../catalog/index.ts';
import { isLeaf, LEAF_BYTES, leafLength } from '../dag/index.ts';
import { blockErrors } from '../errors.ts';
import { readDerived } from '../shard/derive.ts';
import { isArriving } from './coming.ts';
import { statOf, type StoreContext } from './context.ts';
import type { ReadableShard } from './held-reader.ts';

/** A shard out of the files of its model, each leaf made and checked when it is asked for. What was withdrawn is not given any more. */
export class DerivedReader implements ReadableShard {
  readonly #catalog: Catalog;
  readonly #shard: DerivedShard;
  readonly #files: ReadonlyMap<string, FileHandle>;
  readonly #leases: readonly Lease[];
  readonly #onProblem: (problem: ShardProblem) => void;

  private constructor(init: { catalog: Catalog; shard: DerivedShard; files: ReadonlyMap<string, FileHandle>; leases: readonly Lease[]; onProblem: (problem: ShardProblem) => void }) {
    this.#catalog = init.catalog;
    this.#shard = init.shard;
    this.#files = init.files;
    this.#leases = init.leases;
    this.#onProblem = init.onProblem;
  }

  /** Undefined when the shard is not known or one of the files cannot be opened; when one is gone, all that has bytes of it is withdrawn. */
  static async open({ catalog }: StoreContext, cid: string, onProblem: (problem: ShardProblem) => void): Promise<DerivedReader | undefined> {
    const shard = catalog.derived.get(cid);
    if (shard === undefined) return undefined;
    const paths = new Set(shard.ranges.flatMap((range) => ('path' in range ? [range.path] : [])));
    const listed = [...paths].flatMap((path) => catalog.shards.file(path)?.cid ?? []);
    const leases = catalog.transaction(() => listed.map((file) => catalog.leases.take(file)));
    const files = new Map<string, FileHandle>();
    const reader = new DerivedReader({ catalog, shard, files, leases, onProblem });
    for (const path of paths) {
      const file = await open(placeOf(catalog, path), 'r').catch(() => undefined);
      if (file === undefined) {
        if (!isThere(catalog, path)) catalog.derived.withdraw(path);
        await reader.close();
        return undefined;
      }
      files.set(path, file);
    }
    for (const file of listed) catalog.shards.touch(file);
    return reader;
  }

  get cid(): ShardCid {
    return this.#shard.tree.cid;
  }

  get sizeBytes(): number {
    return this.#shard.tree.sizeBytes;
  }

  held(): 'all' | 'none' {
    return this.#catalog.derived.has(this.cid) ? 'all' : 'none';
  }

  leafHashes(): Promise<Uint8Array> {
    return Promise.resolve(this.#shard.tree.leafHashes);
  }

  /** Throws DAG_NO_SUCH_LEAF, BLOCK_NOT_HERE, BLOCK_NOT_YET, BLOCK_DAMAGED. */
  async read(leaf: number, into?: Uint8Array): Promise<Uint8Array> {
    const { tree, modelPath } = this.#shard;
    const length = leafLength(tree.sizeBytes, leaf);
    if (this.held() === 'none') throw blockErrors.notHere({ cid: tree.cid });
    const bytes = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    await readDerived(this.#shard, leaf * LEAF_BYTES, { into: bytes, read: (path, part, offset) => this.#fill(path, part, offset) });
    if (isLeaf(tree, leaf, bytes)) return bytes;
    // A download that goes on after a power cut gets again what the disk had not kept.
    if (isArriving(this.#catalog, this.#files.keys())) throw blockErrors.notYet({ cid: tree.cid, leaf });
    this.#onProblem({ cid: tree.cid, path: modelPath, kind: 'damaged', leaf });
    throw blockErrors.damaged({ cid: tree.cid, path: modelPath, leaf });
  }

  async close(): Promise<void> {
    for (const lease of this.#leases) lease.release();
    for (const file of this.#files.values()) await file.close();
  }

  // What cannot be read stays zero, which the hash tells.
  async #fill(path: string, into: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < into.length;) {
      const read = await this.#files.get(path)?.read(into, done, into.length - done, offset + done).catch(() => undefined);
      if (read === undefined || read.bytesRead === 0) return;
      done += read.bytesRead;
    }
  }
}

/** Whether the file is there that shards are derived from. Also by its last name: a download may get that at this moment. */
export const isThere = (catalog: Pick<Catalog, 'shards'>, path: string): boolean => statOf(placeOf(catalog, path)) !== undefined || statOf(path) !== undefined;

/** A file that is downloaded, or was found damaged, has another name. */
function placeOf(catalog: Pick<Catalog, 'shards'>, path: string): string {
  const file = catalog.shards.file(path);
  if (file !== undefined) return dataPath(file);
  return existsSync(`${path}.part`) ? `${path}.part` : path;
}
