import { mkdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { isCoded, systemClock, type Clock, type ManifestCid } from '../../base/index.ts';
import { FileBlockstore, type ShardProblem } from '../blockstore/index.ts';
import { Catalog, dataPath, storedBytes, type Lease, type StoredModel } from '../catalog/index.ts';
import type { ShardTree } from '../dag/index.ts';
import { catalogErrors, spaceErrors } from '../errors.ts';
import { diskFiles, type StoreFiles } from '../ports.ts';
import { encodeManifestCbor, type Manifest } from '../shard/manifest.ts';
import { isOwn, moveToTrash, removeTrash, type StoreContext } from './context.ts';
import { evictableBytes, evictDownTo, makeRoom, usedBytes, userOf } from './evict.ts';
import { HeldReader } from './held-reader.ts';
import { reconcile } from './reconcile.ts';
import { scrub, type ScrubOptions, type ScrubReport } from './scrub.ts';
import { ShardWriter } from './shard-writer.ts';
import { sweep } from './sweep.ts';

export interface LocalStoreInit {
  /** For the catalogue and fetched shards. */
  readonly folder: string;
  /** More folders whose files are the store's, such as the one for cuts. */
  readonly ownFolders?: readonly string[];
  /** Most bytes of own files; absent for as much as the disk holds. */
  readonly quotaBytes?: number;
  readonly clock?: Clock;
  readonly files?: Pick<StoreFiles, 'freeBytes'>;
  /** Told what was found wrong with a file, after it was noted. */
  readonly onProblem?: (problem: ShardProblem) => void;
}

export interface StoreStats {
  readonly usedBytes: number;
  /** Null where only the disk limits. */
  readonly quotaBytes: number | null;
  readonly freeBytes: number;
  readonly evictableBytes: number;
  readonly pinnedBytes: number;
  readonly models: number;
  readonly shards: number;
  readonly partialShards: number;
  readonly leases: number;
}

/** Writes one shard; see ShardWriter. */
export type LeafTarget = Pick<ShardWriter, 'has' | 'missing' | 'write' | 'finish' | 'close'>;

/** The shards of this node on its disk: what is there, what is used, what may go. Throws CATALOG_*. */
export class LocalStore {
  readonly catalog: Catalog;
  readonly #context: StoreContext;
  readonly #onProblem: (problem: ShardProblem) => void;

  constructor({ folder, ownFolders = [], quotaBytes = Infinity, clock = systemClock, files = diskFiles, onProblem = () => undefined }: LocalStoreInit) {
    const shardFolder = join(folder, 'shards');
    mkdirSync(shardFolder, { recursive: true, mode: 0o700 });
    this.catalog = new Catalog(join(folder, 'catalog.db'), clock);
    this.#context = { catalog: this.catalog, shardFolder, ownFolders: [shardFolder, ...ownFolders], quotaBytes, files };
    this.#onProblem = onProblem;
    reconcile(this.#context);
  }

  /** Lists a whole file that lies at its place, synced. */
  async add(path: string, tree: ShardTree): Promise<void> {
    const { mtimeMs } = await stat(path);
    const isOwned = this.owns(path);
    this.catalog.shards.put(tree, { path, mtimeMs, isOwned });
    // What was left of it before it was made again.
    if (isOwned) await rm(`${path}.part`, { force: true });
  }

  /** Whether the store may rename and remove what lies there. */
  owns(path: string): boolean {
    return isOwn(this.#context, path);
  }

  addModel(manifest: Manifest): ManifestCid {
    return this.catalog.models.put(manifest);
  }

  /** Keeps a shard (by CID) or a folder of shards from being removed, until released or this process ends. */
  hold(resource: string): Lease {
    return this.catalog.leases.take(resource);
  }

  /** A shard to give to others or to read; undefined when nothing of it is here. Closing it lets it go. */
  find(cid: string): Promise<HeldReader | undefined> {
    return HeldReader.open(this.#context, cid, this.#onProblem);
  }

  /** The tree of a shard that was begun or is here, checked. */
  tree(cid: string, sizeBytes: number): Promise<ShardTree | undefined> {
    const tree = this.catalog.shards.tree(cid);
    return Promise.resolve(tree?.sizeBytes === sizeBytes ? tree : undefined);
  }

  /** Where the leaves of a shard go; for one that is here, nowhere. Throws CATALOG_IN_USE, SPACE_QUOTA, SPACE_DISK_FULL, SHARD_WRITE_FAILED. */
  async open(tree: ShardTree): Promise<LeafTarget> {
    try {
      return await ShardWriter.open(this.#context, tree);
    } catch (error) {
      if (isCoded(error, 'SPACE_ALREADY_HERE')) return WHOLE;
      throw error;
    }
  }

  /** Every block that is here now, manifests included, for IPFS tools. Later shards are added by the caller. */
  blockstore(): FileBlockstore {
    const { shards, models } = this.catalog;
    const blocks = new FileBlockstore(this.#onProblem);
    for (const { cid } of shards.uses()) {
      const tree = shards.tree(cid);
      const [file] = shards.files(cid);
      if (tree !== undefined && file !== undefined) blocks.add({ ...tree, path: dataPath(file), ...(file.present === undefined ? { mtimeMs: file.mtimeMs } : { present: file.present }) });
    }
    for (const { cid, manifest } of models.list()) blocks.keep(CID.parse(cid), encodeManifestCbor(manifest));
    return blocks;
  }

  /** Evicts until there is room by quota and on the disk. Throws SPACE_QUOTA, SPACE_DISK_FULL. */
  makeRoom(needBytes: number): Promise<void> {
    return makeRoom(this.#context, needBytes);
  }

  /** Removes leftovers and, least recently used first, what is over the quota or `targetBytes`. Nothing pinned or in use goes. */
  async gc(targetBytes = this.#context.quotaBytes): Promise<{ freedBytes: number; usedBytes: number }> {
    reconcile(this.#context);
    this.catalog.providers.sweep();
    const evicted = await evictDownTo(this.#context, targetBytes);
    return { freedBytes: evicted + await sweep(this.#context), usedBytes: usedBytes(this.#context) };
  }

  scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    return scrub(this.#context, options);
  }

  /** A model by its CID, or by its name when only one has it. Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS. */
  model(nameOrCid: string): StoredModel {
    const found = this.catalog.models.list().filter(({ cid, manifest }) => cid === nameOrCid || manifest.model_name === nameOrCid);
    const [model, other] = found;
    if (model === undefined) throw spaceErrors.noSuchModel({ model: nameOrCid });
    if (other !== undefined) throw spaceErrors.ambiguous({ model: nameOrCid, cids: found.map(({ cid }) => cid) });
    return model;
  }

  /** Removes a model and the pieces that no other model has. Throws SPACE_PINNED, CATALOG_IN_USE. */
  async removeModel(nameOrCid: string): Promise<number> {
    const { cid, isPinned } = this.model(nameOrCid);
    if (isPinned) throw spaceErrors.pinned({ model: nameOrCid });
    const { shards, models } = this.catalog;
    const removed = this.catalog.transaction(() => {
      const files = models.ownPieces(cid).flatMap((piece) => shards.files(piece)).filter((file) => !shards.isPinned(file.cid));
      for (const file of files) {
        const pid = userOf(this.#context, file);
        if (pid !== undefined) throw catalogErrors.inUse({ resource: file.path, pid });
      }
      const owned = files.filter((file) => file.isOwned);
      const trash = owned.map((file) => moveToTrash(dataPath(file)));
      for (const file of files) shards.delete(file.path);
      models.delete(cid);
      return { trash, bytes: owned.reduce((sum, file) => sum + storedBytes(file), 0) };
    });
    for (const path of removed.trash) await removeTrash(path);
    return removed.bytes;
  }

  async stats(): Promise<StoreStats> {
    const { catalog, quotaBytes, files, shardFolder } = this.#context;
    const stored = catalog.shards.files();
    const uses = catalog.shards.uses();
    return {
      usedBytes: usedBytes(this.#context), quotaBytes: quotaBytes === Infinity ? null : quotaBytes, freeBytes: await files.freeBytes(shardFolder),
      evictableBytes: evictableBytes(this.#context), pinnedBytes: uses.filter((use) => use.isPinned).reduce((sum, use) => sum + use.sizeBytes, 0),
      models: catalog.models.list().length, shards: uses.length, partialShards: stored.filter((file) => file.present !== undefined).length, leases: catalog.leases.count(),
    };
  }

  close(): void {
    this.catalog.close();
  }
}

const WHOLE: LeafTarget = {
  has: () => true,
  *missing() { /* nothing is */ },
  write: () => Promise.resolve(),
  finish: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
