import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { modelFiles, storedBytes, type LocalStore, type StoredFile, type StoredModel } from '../../store/index.ts';
import { localModels, type LocalModel } from '../named-models.ts';

/** All that is here of one model, under one name: its file, and what was cut of it. */
export interface ShelvedModel {
  /** What `--model` takes; of a model without its file, the hash of the model. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'built-in' | 'file' | 'pieces';
  /** The first of its files. */
  readonly path?: string;
  /** Of those that the catalogue lists. */
  readonly local?: LocalModel;
  /** Manifests of its cuts, however it was cut. */
  readonly cuts: readonly StoredModel[];
  /** Files of pieces of it that are the store's own. */
  readonly cutFiles: readonly StoredFile[];
}

interface Known {
  /** The model inside. */
  readonly builtIn: { readonly id: string; readonly path: string };
  /** The one that answers, by name and file. */
  readonly served: { readonly model: string; readonly path: string };
}

/** The models of this home: downloaded and added ones, the one inside, files that were used by their path, and those of which only pieces are here. */
export function shelf(store: LocalStore, { builtIn, served }: Known): ShelvedModel[] {
  const { catalog } = store;
  const cuts = Map.groupBy(catalog.models.list(), ({ cid, manifest }) => catalog.modelFiles.sourceOf(cid) ?? manifest.model_hash);
  const taken = (key: string): Pick<ShelvedModel, 'cuts' | 'cutFiles'> => {
    const found = cuts.get(key) ?? [];
    cuts.delete(key);
    return { cuts: found, cutFiles: cutFiles(store, found) };
  };
  const local = localModels(catalog.modelFiles.list()).map((model): ShelvedModel => {
    const [{ path }] = model.files;
    const files = new Set(model.files.map((file) => file.path));
    const { cuts: own, cutFiles: pieces } = taken(path);
    return { id: model.name, name: model.name, kind: 'file', path, local: model, cuts: own, cutFiles: pieces.filter((file) => !files.has(file.path)) };
  });
  const inside: ShelvedModel = { id: builtIn.id, name: nameOf(builtIn.path), kind: 'built-in', path: builtIn.path, ...taken(builtIn.path) };
  const isListed = served.path === builtIn.path || local.some(({ path }) => path === served.path);
  const named: ShelvedModel[] = isListed ? [] : [{ id: served.model, name: nameOf(served.path), kind: 'file', path: served.path, ...taken(served.path) }];
  const rest = [...cuts].flatMap(([key, models]): ShelvedModel[] => {
    const [first] = models;
    const pieces = cutFiles(store, models);
    if (first === undefined || pieces.length === 0) return [];
    const isFile = key !== first.manifest.model_hash && existsSync(key);
    return [{ id: isFile ? key : first.manifest.model_hash, name: first.manifest.model_name, kind: isFile ? 'file' : 'pieces', ...(isFile ? { path: key } : {}), cuts: models, cutFiles: pieces }];
  });
  return [inside, ...named, ...local, ...rest];
}

const nameOf = (path: string): string => basename(path).replace(/\.gguf$/i, '');

function cutFiles({ catalog }: LocalStore, cuts: readonly StoredModel[]): StoredFile[] {
  const cids = new Set(cuts.flatMap(({ manifest }) => [...manifest.shards, manifest.vocabulary]).map(({ cid }) => cid));
  return [...cids].flatMap((cid) => catalog.shards.files(cid)).filter(({ isOwned }) => isOwned);
}

/** What it takes of the store. */
export const fileBytesOf = ({ local }: ShelvedModel): number => (local?.files ?? []).filter(({ isOwned }) => isOwned).reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
export const cutBytesOf = ({ cutFiles: files }: ShelvedModel): number => files.reduce((bytes, file) => bytes + storedBytes(file), 0);

/** Takes a model out of the store, pinned or not, and its cuts with it. Returns the bytes freed. Throws CATALOG_IN_USE. */
export async function unshelve(store: LocalStore, { local, cuts }: ShelvedModel): Promise<number> {
  const paths = local?.files.map(({ path }) => path) ?? [];
  store.pinFiles(paths, false);
  let freedBytes = 0;
  for (const { cid, isPinned } of cuts) {
    if (isPinned) store.catalog.unpin(cid);
    freedBytes += await store.removeModel(cid);
  }
  return freedBytes + await store.removeFiles(paths);
}

/** The process does not use the model any more: then it may be evicted. */
export async function letGo(store: LocalStore, { path, cutFiles: pieces }: Pick<ShelvedModel, 'path' | 'cutFiles'>): Promise<void> {
  const files = path === undefined || !existsSync(path) ? [] : await modelFiles(path);
  const cids = files.flatMap((file) => store.catalog.shards.file(file)?.cid ?? []);
  store.catalog.leases.letGo([...cids, ...new Set(pieces.map((piece) => dirname(piece.path)))]);
}
