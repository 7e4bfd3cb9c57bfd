import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically, type ShardCid } from '../../../base/index.ts';
import { checkTree, HASH_BYTES, leafCount, type ShardTree } from '../../dag/index.ts';
import { fileSource } from '../../gguf/source.ts';
import { hashTree } from '../../dag/index.ts';
import { exchangeErrors } from '../errors.ts';
import type { ShardReader, ShardShelf, ShardTarget, ShardWriter } from '../ports.ts';
import { blockDigest } from '../wire/cid.ts';
import { ShardFile } from './shard-file.ts';

export interface FileShelfOptions {
  /** Gets `<cid>.leaves`: lists of leaf hashes, so that neither a peer nor a second reading is needed for them. */
  readonly treesFolder: string;
  readonly signal?: AbortSignal | undefined;
}

/** Shards in files: those that are given to others, and those that are being fetched, which are given as far as they came. */
export class FileShelf implements ShardShelf, ShardTarget {
  readonly #options: FileShelfOptions;
  readonly #files = new Map<ShardCid, ShardFile>();
  readonly #paths = new Map<ShardCid, string>();

  constructor(options: FileShelfOptions) {
    this.#options = options;
  }

  /** Where a shard that will be fetched is to lie. */
  expect(cid: ShardCid, path: string): void {
    this.#paths.set(cid, path);
  }

  /** Gives a file to others. Reads it once when its tree is not known. Throws EXCHANGE_READ_FAILED, STORE_READ_FAILED, DAG_WRONG_LEAVES. */
  async add(path: string, { cid, sizeBytes }: { readonly cid: ShardCid; readonly sizeBytes: number }): Promise<void> {
    const tree = await this.tree(cid, sizeBytes) ?? await this.#treeOf(path, cid);
    await this.#files.get(cid)?.close();
    this.#files.set(cid, await ShardFile.whole(path, tree));
  }

  find(cid: ShardCid): Promise<ShardReader | undefined> {
    return Promise.resolve(this.#files.get(cid)?.reader());
  }

  async tree(cid: ShardCid, sizeBytes: number): Promise<ShardTree | undefined> {
    const digest = blockDigest(cid);
    if (digest !== undefined) return { cid, sizeBytes, leafHashes: digest };
    const leafHashes = await readFile(this.#treePath(cid)).catch(() => undefined);
    if (leafHashes?.length !== leafCount(sizeBytes) * HASH_BYTES) return undefined;
    const tree = { cid, sizeBytes, leafHashes };
    try {
      checkTree(tree);
      return tree;
    } catch {
      // A damaged list costs asking for it again, nothing else.
      return undefined;
    }
  }

  async open(tree: ShardTree): Promise<ShardWriter> {
    const path = this.#paths.get(tree.cid);
    if (path === undefined) throw exchangeErrors.writeFailed({ path: tree.cid });
    await this.#keepTree(tree);
    const file = await ShardFile.toFill(path, tree, this.#options.signal);
    await this.#files.get(tree.cid)?.close();
    this.#files.set(tree.cid, file);
    return {
      has: (leaf) => file.has(leaf), missing: () => file.missing(), write: (leaf, bytes) => file.write(leaf, bytes), finish: () => file.finish(),
      // It stays on the shelf: others may be fetching from it.
      close: () => Promise.resolve(),
    };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  async #treeOf(path: string, cid: ShardCid): Promise<ShardTree> {
    const source = await fileSource(path);
    try {
      const tree = await hashTree(source, this.#options.signal === undefined ? {} : { signal: this.#options.signal });
      checkTree({ ...tree, cid });
      await this.#keepTree(tree);
      return tree;
    } finally {
      await source.close();
    }
  }

  async #keepTree({ cid, leafHashes }: ShardTree): Promise<void> {
    if (blockDigest(cid) !== undefined) return;
    const path = this.#treePath(cid);
    const known = await readFile(path).catch(() => undefined);
    if (known?.equals(leafHashes) !== true) await writeAtomically(path, (file) => file.writeFile(leafHashes));
  }

  readonly #treePath = (cid: ShardCid): string => join(this.#options.treesFolder, `${cid}.leaves`);
}
