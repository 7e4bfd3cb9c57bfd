import { mkdirSync, readdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { isCoded, systemClock, type Clock, type ManifestCid, type ShardCid } from '../../base/index.ts';
import { FileBlockstore, type ShardProblem } from '../blockstore/index.ts';
import { dataPath, type Catalog, type ComingFile, type DerivedShard, type Lease, type StoredFile, type StoredModel } from '../catalog/index.ts';
import type { ShardTree } from '../dag/index.ts';
import { catalogErrors, spaceErrors } from '../errors.ts';
import { diskFiles, type StoreFiles } from '../ports.ts';
import { encodeManifestCbor, type Manifest } from '../shard/manifest.ts';
import { isComing } from './coming.ts';
import { isOwn, removeTrash, type StoreContext } from './context.ts';
import { evictableBytes, evictBytes, takeAway, userOf } from './evict.ts';
import { DerivedReader } from './derived-reader.ts';
import { HeldReader, type ReadableShard } from './held-reader.ts';
import { openOrMend, RESCAN_DUE, type MendReport } from './mend.ts';
import { reconcile } from './reconcile.ts';
import { rescan, type RescanOptions } from './rescan.ts';
import { reserve } from './reserve.ts';
import { usageOf } from './room.ts';
import { scrub, type ScrubOptions, type ScrubReport } from './scrub.ts';
import { fetchedPath, ShardWriter } from './shard-writer.ts';
import { sweep } from './sweep.ts';
import { dropBrokenOff, dropGoneDownloads, noteStrayDownloads, type UnfinishedFile } from './unfinished.ts';

export interface LocalStoreInit {
  /** For the catalogue and fetched shards. */
  readonly folder: string;
  /** More folders whose files are the store's, such as the one for cuts. */
  readonly ownFolders?: readonly string[];
  /** Where downloaded models go: they are the store's too, but what it does not know there stays. */
  readonly modelFolder?: string;
  /** Most bytes of own files; absent for as much as the disk holds. */
  readonly quotaBytes?: number;
  readonly clock?: Clock;
  readonly files?: Pick<StoreFiles, 'freeBytes'>;
  /** Told what was found wrong with a file, after it was noted. */
  readonly onProblem?: (problem: ShardProblem) => void;
  /** Told once, in the process that met a damaged catalogue and made a new one. */
  readonly onMended?: (report: MendReport) => void;
}

export interface StoreStats {
  /** All that counts to the quota: files of the store, and what is kept for those under way. */
  readonly usedBytes: number;
  /** Of that, kept for files under way and not written yet. */
  readonly reservedBytes: number;
  /** Null where only the disk limits. */
  readonly quotaBytes: number | null;
  readonly freeBytes: number;
  readonly evictableBytes: number;
  readonly pinnedBytes: number;
  readonly models: number;
  readonly shards: number;
  readonly partialShards: number;
  readonly leases: number;
  /** Files that are not whole, under way or broken off; the largest first. */
  readonly unfinished: readonly UnfinishedFile[];
}

/** Writes one shard; see ShardWriter. */
export type LeafTarget = Pick<ShardWriter, 'has' | 'missing' | 'write' | 'finish' | 'close'>;

/** The shards of this node on its disk: what is there, what is used, what may go. Throws CATALOG_*. */
export class LocalStore {
  readonly catalog: Catalog;
  readonly #context: StoreContext;
  readonly #onProblem: (problem: ShardProblem) => void;

  constructor({ folder, ownFolders = [], modelFolder, quotaBytes = Infinity, clock = systemClock, files = diskFiles, onProblem = () => undefined, onMended }: LocalStoreInit) {
    const shardFolder = join(folder, 'shards');
    mkdirSync(shardFolder, { recursive: true, mode: 0o700 });
    const own = [shardFolder, ...ownFolders, ...(modelFolder === undefined ? [] : [modelFolder])];
    const { catalog, mended } = openOrMend(join(folder, 'catalog.db'), { clock, owns: (path) => isOwn({ ownFolders: own }, path) });
    this.catalog = catalog;
    this.#context = { catalog, shardFolder, ownFolders: own, modelFolder, quotaBytes, files };
    // A catalogue that was removed, or cut off to nothing, leaves files that nobody lists.
    if (catalog.isNew && mended === undefined && own.some(hasModels)) catalog.setState(RESCAN_DUE, 'there was no catalogue');
    if (mended !== undefined) onMended?.(mended);
    this.#onProblem = onProblem;
    reconcile(this.#context);
  }

  /** Lists a whole file that lies at its place, synced. */
  async add(path: string, tree: ShardTree): Promise<void> {
    const { mtimeMs } = await stat(path);
    const isOwned = this.owns(path);
    this.catalog.transaction(() => {
      this.catalog.shards.put(tree, { path, mtimeMs, isOwned });
      this.catalog.reservations.end(path);
    });
    // What was left of it before it was made again.
    if (isOwned) await rm(`${path}.part`, { force: true });
  }

  /** Whether the store may rename and remove what lies there. */
  owns(path: string): boolean {
    return isOwn(this.#context, path);
  }

  /** `source` is the file that it was cut from. */
  addModel(manifest: Manifest, source?: string): ManifestCid {
    const cid = this.catalog.models.put(manifest);
    if (source !== undefined) this.catalog.modelFiles.setSource(cid, source);
    return cid;
  }

  /** Lists a whole model file, or a part of one. It counts as pinned: a download was asked for by name, and is not evicted before the user lets it go. */
  async addModelFile(path: string, tree: ShardTree, origin: string): Promise<void> {
    await this.add(path, tree);
    this.catalog.modelFiles.put(path, origin);
  }

  /** Lists a shard that is given to others out of the files of its model. */
  derive(shard: DerivedShard): void {
    this.catalog.derived.put(shard);
  }

  /** Forgets a file of ours that is wrong or made anew, and every shard that has bytes of it. The file is left alone. */
  withdraw(path: string): void {
    if (this.owns(path)) this.catalog.shards.delete(path);
    this.catalog.derived.withdraw(path);
  }

  /** Keeps the files of a model from being removed until released or this process ends, and notes the use. */
  useFiles(paths: readonly string[]): Lease {
    const { shards, leases } = this.catalog;
    const cids = paths.flatMap((path) => shards.file(path)?.cid ?? []);
    const held = this.catalog.transaction(() => cids.map((cid) => leases.take(cid)));
    for (const cid of cids) shards.touch(cid);
    return { release: () => { for (const lease of held) lease.release(); } };
  }

  /** Pins files, or lets them go. */
  pinFiles(paths: readonly string[], isPinned: boolean): void {
    const { catalog } = this;
    catalog.transaction(() => {
      for (const path of paths) {
        const cid = catalog.shards.file(path)?.cid;
        if (cid === undefined) continue;
        if (isPinned) catalog.pin(cid);
        else catalog.unpin(cid);
        catalog.modelFiles.setKept(path, isPinned);
      }
    });
  }

  /** Removes files, all or none; of those that are the user's only the record. Returns the bytes freed. Throws SPACE_PINNED, CATALOG_IN_USE. */
  removeFiles(paths: readonly string[]): Promise<number> {
    return this.#remove(() => {
      const files = paths.flatMap((path) => this.catalog.shards.file(path) ?? []);
      const pinned = files.find((file) => file.isOwned && this.catalog.hasPin(file.cid));
      if (pinned !== undefined) throw spaceErrors.pinned({ model: pinned.path });
      return files;
    });
  }

  /** Keeps a shard (by CID) or a folder of shards from being removed, until released or this process ends. */
  hold(resource: string): Lease {
    return this.catalog.leases.take(resource);
  }

  /** A shard to give to others or to read; undefined when nothing of it is here. Closing it lets it go. */
  async find(cid: string): Promise<ReadableShard | undefined> {
    const held = await HeldReader.open(this.#context, cid, this.#onProblem);
    if (held?.held() === 'all') return held;
    // A part of it may have been fetched before a download brought all.
    const derived = await DerivedReader.open(this.#context, cid, this.#onProblem);
    if (derived === undefined) return held;
    await held?.close();
    return derived;
  }

  /** Every shard of which a leaf may be here, as a file or in one of a model. */
  cids(): ShardCid[] {
    return [...new Set([...this.catalog.shards.uses().map(({ cid }) => cid), ...this.catalog.derived.cids()])];
  }

  /** The tree of such a shard, checked. */
  treeOf(cid: string): ShardTree | undefined {
    return this.catalog.shards.tree(cid) ?? this.catalog.derived.get(cid)?.tree;
  }

  /** Whether what is not here of a shard is on its way. */
  isComing(cid: string): boolean {
    return isComing(this.catalog, cid);
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
    const { shards, models, derived } = this.catalog;
    const blocks = new FileBlockstore(this.#onProblem);
    for (const { cid } of shards.uses()) {
      const tree = shards.tree(cid);
      const [file] = shards.files(cid);
      if (tree !== undefined && file !== undefined) blocks.add({ ...tree, path: dataPath(file), ...(file.present === undefined ? { mtimeMs: file.mtimeMs } : { present: file.present }) });
    }
    for (const cid of derived.cids()) {
      const shard = derived.get(cid);
      if (shard !== undefined) blocks.addReadable(shard.tree, () => DerivedReader.open(this.#context, cid, this.#onProblem));
    }
    for (const { cid, manifest } of models.list()) blocks.keep(CID.parse(cid), encodeManifestCbor(manifest));
    return blocks;
  }

  /**
   * Keeps room for downloads and cuts before they begin, until it is released or this process ends: then only what lies on the disk
   * counts, until somebody goes on. Evicts for it. Throws SPACE_QUOTA, SPACE_DISK_FULL.
   */
  async reserve(files: readonly ComingFile[]): Promise<Lease> {
    const lease = await reserve(this.#context, files);
    const release = (): void => {
      lease.release();
      dropGoneDownloads(this.#context);
    };
    return { release };
  }

  /** As `reserve`, for shards from peers; those that are here whole need none. */
  reserveShards(shards: ReadonlyArray<{ readonly cid: string; readonly sizeBytes: number }>): Promise<Lease> {
    return this.reserve(shards.flatMap(({ cid, sizeBytes }) => {
      const files = this.catalog.shards.files(cid);
      if (files.some(({ present }) => present === undefined)) return [];
      return [{ path: files.find(({ isOwned }) => isOwned)?.path ?? fetchedPath(this.#context, cid), sizeBytes }];
    }));
  }

  /** Removes leftovers, with `unfinished` also what was broken off, and, least recently used first, what is over the quota or `targetBytes`. Nothing pinned or in use goes. */
  async gc(targetBytes = this.#context.quotaBytes, { unfinished = false } = {}): Promise<{ freedBytes: number; usedBytes: number }> {
    reconcile(this.#context);
    // What is not known yet must not be taken for a leftover.
    if (this.isRescanDue) await this.rescan();
    await noteStrayDownloads(this.#context);
    this.catalog.providers.sweep();
    const dropped = unfinished ? await dropBrokenOff(this.#context) : 0;
    const evicted = await evictBytes(this.#context, usageOf(this.#context).usedBytes - targetBytes);
    return { freedBytes: dropped + evicted + await sweep(this.#context), usedBytes: usageOf(this.#context).usedBytes };
  }

  /** Removes what broken-off downloads left at these places. Returns the bytes freed. */
  dropUnfinished(paths: readonly string[]): Promise<number> {
    return dropBrokenOff(this.#context, new Set(paths));
  }

  /** Files of ours may lie on the disk that the catalogue does not know, since it was damaged or lost. */
  get isRescanDue(): boolean {
    return this.catalog.state(RESCAN_DUE) !== undefined;
  }

  /** Finds them and lists them again. Returns how many; none when another process is at it. */
  async rescan(options: RescanOptions = {}): Promise<number> {
    try {
      return await rescan(this.#context, options);
    } catch (error) {
      if (isCoded(error, 'CATALOG_IN_USE')) return 0;
      throw error;
    }
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
    return this.#remove(() => {
      for (const piece of models.ownPieces(cid)) this.catalog.derived.delete(piece);
      const files = models.ownPieces(cid).flatMap((piece) => shards.files(piece)).filter((file) => !shards.isPinned(file.cid));
      models.delete(cid);
      return files;
    });
  }

  /** All or nothing: `choose` runs in the transaction that takes the files away. */
  async #remove(choose: () => readonly StoredFile[]): Promise<number> {
    const gone = this.catalog.transaction(() => choose().map((file) => {
      const pid = userOf(this.#context, file);
      if (pid !== undefined) throw catalogErrors.inUse({ resource: file.path, pid });
      if (file.isOwned) return takeAway(this.#context, file);
      this.catalog.shards.delete(file.path);
      return { bytes: 0, trash: undefined };
    }));
    for (const { trash } of gone) await removeTrash(trash);
    return gone.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async stats(): Promise<StoreStats> {
    const { catalog, quotaBytes, files, shardFolder } = this.#context;
    const stored = catalog.shards.files();
    const uses = catalog.shards.uses();
    const { usedBytes, reservedBytes, unfinished } = usageOf(this.#context);
    return {
      usedBytes, reservedBytes, quotaBytes: quotaBytes === Infinity ? null : quotaBytes, freeBytes: await files.freeBytes(shardFolder),
      evictableBytes: evictableBytes(this.#context), pinnedBytes: uses.filter((use) => use.isPinned).reduce((sum, use) => sum + use.sizeBytes, 0),
      models: catalog.models.list().length, shards: uses.length, partialShards: stored.filter((file) => file.present !== undefined).length, leases: catalog.leases.count(), unfinished,
    };
  }

  close(): void {
    this.catalog.close();
  }
}

const hasModels = (folder: string): boolean => {
  try {
    return readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.gguf'));
  } catch {
    return false;
  }
};

const WHOLE: LeafTarget = {
  has: () => true,
  *missing() { /* nothing is */ },
  write: () => Promise.resolve(),
  finish: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
