import { rmSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { CID } from 'multiformats/cid';
import { asShardCid, isCoded, systemClock, type Clock } from '../../base/index.ts';
import { Catalog, putInPlace, salvage, setAside, whileMending, type Salvaged, type SalvagedRow } from '../catalog/index.ts';
import { checkTree, leafCount, LeafSet, type ShardTree } from '../dag/index.ts';
import type { DerivedRange } from '../shard/derive.ts';
import { cidOfManifest, decodeManifest } from '../shard/manifest.ts';
import { statOf } from './context.ts';

/** What became of a catalogue that was damaged. */
export interface MendReport {
  readonly reason: string;
  /** Where the damaged one lies now; empty when there was nothing of it. */
  readonly movedTo: string;
  /** What was readable and right. */
  readonly shards: number;
  readonly models: number;
  readonly pins: number;
}

/** Says in the catalogue that files of ours may lie on the disk that it does not know. */
export const RESCAN_DUE = 'rescan-due';

export interface OpenedCatalog {
  readonly catalog: Catalog;
  /** Only in the process that mended it. */
  readonly mended?: MendReport;
}

export interface MendOptions {
  readonly clock?: Clock;
  readonly owns: (path: string) => boolean;
}

/** Opens the catalogue. A damaged one is moved aside and a new one is made out of what is still readable. Throws CATALOG_*. */
export function openOrMend(path: string, { clock = systemClock, owns }: MendOptions): OpenedCatalog {
  try {
    return { catalog: new Catalog(path, clock) };
  } catch (error) {
    if (!isCoded(error, 'CATALOG_DAMAGED')) throw error;
  }
  return whileMending(path, () => {
    try {
      // Another process may have mended it meanwhile.
      return { catalog: new Catalog(path, clock) };
    } catch (error) {
      if (!isCoded(error, 'CATALOG_DAMAGED')) throw error;
      return mend(path, { clock, owns, reason: String(error.meta['reason']) });
    }
  });
}

/** The new one is filled under another name, so that a crash leaves either the damaged one to be mended again or a whole one. */
function mend(path: string, { clock, owns, reason }: Required<MendOptions> & { readonly reason: string }): OpenedCatalog {
  const movedTo = setAside(path, clock.now());
  const fresh = `${path}.new`;
  for (const ending of ['', '-wal', '-shm', '.damaged']) rmSync(`${fresh}${ending}`, { force: true });
  const catalog = new Catalog(fresh, clock);
  try {
    if (movedTo !== undefined) restore(catalog, salvage(movedTo), owns);
    catalog.setState(RESCAN_DUE, reason);
  } finally {
    catalog.close();
  }
  putInPlace(fresh, path);
  const mended = new Catalog(path, clock);
  return { catalog: mended, mended: { reason, movedTo: movedTo ?? '', shards: mended.shards.uses().length, models: mended.models.list().length, pins: mended.pins().length } };
}

function restore(catalog: Catalog, rows: Salvaged, owns: (path: string) => boolean): void {
  catalog.transaction(() => {
    restoreFiles(catalog, rows, owns);
    restoreModels(catalog, rows);
    restoreDerived(catalog, rows);
    for (const { cid } of rows.pins) if (isCid(cid)) catalog.pin(cid);
    for (const { resource, pid, is_exclusive } of rows.leases) catalog.leases.restore(String(resource), Number(pid), is_exclusive === 1);
    restoreComing(catalog, rows, owns);
  });
}

/** Downloads that were begun are looked for again where their row is lost; room that was kept for files that nobody knows any more is not. */
function restoreComing(catalog: Catalog, { downloads, reservations }: Salvaged, owns: (path: string) => boolean): void {
  const isComing = (path: unknown, sizeBytes: unknown): boolean => typeof path === 'string' && isAbsolute(path) && owns(path) && Number.isSafeInteger(sizeBytes) && Number(sizeBytes) > 0;
  for (const { path, origin, size_bytes } of downloads) if (isComing(path, size_bytes) && typeof origin === 'string') catalog.reservations.begin({ path: String(path), origin, sizeBytes: Number(size_bytes) });
  for (const { path, size_bytes, pid } of reservations) if (isComing(path, size_bytes)) catalog.reservations.restore(String(path), Number(size_bytes), Number(pid));
}

function restoreFiles(catalog: Catalog, { shards, files, model_files }: Salvaged, owns: (path: string) => boolean): void {
  const trees = new Map(shards.flatMap((row) => treeOf(row) ?? []).map((tree) => [String(tree.cid), tree]));
  for (const row of files) {
    const tree = trees.get(String(row['cid']));
    if (tree !== undefined && typeof row['path'] === 'string' && isAbsolute(row['path'])) restoreFile(catalog, { tree, path: row['path'], row, isOwned: owns(row['path']) });
  }
  for (const { path, origin, is_kept } of model_files) {
    if (typeof path !== 'string' || typeof origin !== 'string' || catalog.shards.file(path) === undefined) continue;
    catalog.modelFiles.put(path, origin);
    catalog.modelFiles.setKept(path, is_kept !== 0);
  }
}

interface FileToRestore {
  readonly tree: ShardTree;
  readonly path: string;
  readonly row: SalvagedRow;
  /** Told by where it lies: what a damaged record says must not get a user's file removed. */
  readonly isOwned: boolean;
}

function restoreFile(catalog: Catalog, { tree, path, row, isOwned }: FileToRestore): void {
  const [present, pending] = [setOf(tree, row['present']), setOf(tree, row['pending'])];
  const found = statOf(present === undefined || !isOwned ? path : `${path}.part`);
  const isThere = found !== undefined && (present !== undefined || found.size === tree.sizeBytes);
  if (isThere) catalog.shards.put(tree, { path, mtimeMs: Number(row['mtime_ms']), isOwned, ...(present === undefined ? {} : { present }), ...(pending === undefined ? {} : { pending }) });
}

function restoreModels(catalog: Catalog, { models, model_sources }: Salvaged): void {
  for (const { cid, manifest: bytes } of models) {
    const manifest = attempt(() => (bytes instanceof Uint8Array ? decodeManifest(bytes, 'a damaged catalogue') : undefined));
    if (manifest !== undefined && cidOfManifest(manifest) === cid) catalog.models.put(manifest);
  }
  for (const { model_cid, path } of model_sources) {
    if (typeof model_cid === 'string' && typeof path === 'string' && catalog.models.get(model_cid) !== undefined) catalog.modelFiles.setSource(model_cid, path);
  }
}

// A range that is missing or wrong only makes a shard that cannot be given: every leaf is compared with its hash.
function restoreDerived(catalog: Catalog, { derived, derived_ranges }: Salvaged): void {
  const ranges = Map.groupBy(derived_ranges, ({ cid }) => cid);
  for (const row of derived) {
    const tree = treeOf(row);
    if (tree === undefined || !(row['header'] instanceof Uint8Array) || typeof row['model_path'] !== 'string') continue;
    catalog.derived.put({ tree, header: row['header'], modelPath: row['model_path'], ranges: (ranges.get(tree.cid) ?? []).map(rangeOf).toSorted((a, b) => a.at - b.at) });
  }
}

function rangeOf({ at, size_bytes, path, offset_or_word }: SalvagedRow): DerivedRange {
  const [from, sizeBytes, value] = [at, size_bytes, offset_or_word].map((number) => Math.max(0, Math.trunc(Number(number)) || 0)) as [number, number, number];
  return typeof path === 'string' ? { at: from, sizeBytes, path, offset: value } : { at: from, sizeBytes, word: value };
}

function treeOf({ cid, size_bytes: sizeBytes, leaf_hashes: leafHashes }: SalvagedRow): ShardTree | undefined {
  if (!isCid(cid) || typeof sizeBytes !== 'number' || !(leafHashes instanceof Uint8Array)) return undefined;
  return attempt(() => {
    const tree = { cid: asShardCid(cid), sizeBytes, leafHashes };
    checkTree(tree);
    return tree;
  });
}

function setOf({ sizeBytes }: ShardTree, bits: unknown): LeafSet | undefined {
  return bits instanceof Uint8Array ? new LeafSet(leafCount(sizeBytes), bits) : undefined;
}

const isCid = (text: unknown): text is string => typeof text === 'string' && attempt(() => CID.parse(text)) !== undefined;

/** Undefined for what is damaged. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
