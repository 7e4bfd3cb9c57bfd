import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isCoded } from '../base/index.ts';
import { availableBytes } from '../inference/index.ts';
import {
  addModel, choicesOf, listHubFiles, parseReference, planAdd, readCurated, searchCurated, searchHub, whatFits, whatFitsBySize,
  type AddPlan, type AddProgress, type CuratedModel, type FitVerdict, type HubModel, type HubOptions, type LocalStore, type Manifest, type ModelFacts, type ModelShelf, type ReadyPiece, type StoredModel,
} from '../store/index.ts';
import type { Settings } from './config.ts';
import { modelsFolder, modelDetails, pinModel, withStore, type ModelDetails, type ModelEntry } from './local-store.ts';
import { localModels, type LocalModel } from './named-models.ts';
import { askMemory, countPeers, knownPeers, type AskedPeer, type AskOptions } from './mesh-memory.ts';
import { outlineOfPieces, type OutlinedModel } from './outline-pieces.ts';
import type { AppPaths } from './paths.ts';
import { listedModel } from './resolve-model.ts';

/** What a model takes, and whether it fits here or, with peers, together. */
export interface ModelOutlook {
  readonly name: string;
  readonly sizeBytes: number;
  /** Names of its files. */
  readonly files: readonly string[];
  readonly facts: Omit<ModelFacts, 'split'> & { readonly canSplit: boolean };
  readonly contextTokens: number;
  readonly verdict: FitVerdict;
  /** Who was asked: those that were named, and where the model does not fit here also those that are known. */
  readonly peers: readonly AskedPeer[];
}

export interface OutlookRequest {
  /** `hf:owner/repo/file.gguf`, `hf:owner/repo:Q4_K_M`, an https address or a path. */
  readonly source: string;
  readonly contextTokens: number;
  /** Addresses of peers that could take layers, besides those that are known: each must answer. */
  readonly peers: readonly string[];
}

export interface AddRequest extends OutlookRequest {
  readonly connections?: number | undefined;
}

export interface AddCallbacks {
  readonly signal: AbortSignal;
  /** Before anything is downloaded. */
  readonly onOutlook?: (outlook: ModelOutlook) => void;
  readonly onProgress?: (progress: AddProgress) => void;
  /** A shard that peers can fetch from now on. */
  readonly onPiece?: (piece: ReadyPiece) => void;
  /** Takes as long as so many bytes of a download are to take. */
  readonly pace?: ((bytes: number, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface AddedModel extends ModelOutlook {
  /** Of the first file. */
  readonly path: string;
  /** What peers fetch it by; absent for a model that cannot be cut. */
  readonly manifestCid?: string;
  readonly added: readonly { readonly path: string; readonly cid: string; readonly sizeBytes: number; readonly origin: string; readonly resumedBytes: number }[];
}

/** `model add --dry-run`: reads headers only. Throws HUB_*, GGUF_*, STORE_*, SHARD_*, MESH_*. */
export async function modelOutlook(settings: Settings, request: OutlookRequest, asking: AskOptions): Promise<ModelOutlook> {
  return outlookOf(settings, await planOf(settings, request.source, asking.signal), { request, asking });
}

/** `model add`: downloads what is not here, and lists it in the store, whence it can be served block by block. */
export async function addFromHub(settings: Settings, request: AddRequest, { signal, onOutlook, onProgress, onPiece, pace }: AddCallbacks): Promise<AddedModel> {
  const plan = await planOf(settings, request.source, signal);
  const outlook = await outlookOf(settings, plan, { request, asking: { signal } });
  onOutlook?.(outlook);
  return withStore(settings.config, async (store) => {
    const shelf: ModelShelf = { add: ({ path, tree, origin }) => store.addModelFile(path, tree, origin) };
    // Before anything is downloaded, and until it is whole or given up.
    const room = await store.reserve(plan.files.flatMap(({ remote, target, origin }) => (remote === undefined ? [] : [{ path: target, sizeBytes: remote.sizeBytes, origin }])));
    const { files, manifest } = await addModel(plan, {
      shelf, pieces: store, ...(onPiece === undefined ? {} : { onPiece }), leases: store.catalog.leases, ...webOptions(settings, signal), ...(onProgress === undefined ? {} : { onProgress }), ...(request.connections === undefined ? {} : { connections: request.connections }), ...(pace === undefined ? {} : { pace }),
    }).finally(() => room.release());
    const added = files.map(({ path, tree, origin, resumedBytes }) => ({ path, cid: tree.cid, sizeBytes: tree.sizeBytes, origin, resumedBytes }));
    const manifestCid = manifest === undefined ? undefined : store.addModel(manifest, plan.files[0].target);
    return { ...outlook, path: plan.files[0].target, added, ...(manifestCid === undefined ? {} : { manifestCid }) };
  });
}

const planOf = (settings: Settings, source: string, signal: AbortSignal): Promise<AddPlan> =>
  planAdd(parseReference(source, settings.config.hubUrl), { ...webOptions(settings, signal), folder: modelsFolder(settings.config.home) });

export function webOptions({ config, secrets }: Settings, signal: AbortSignal): HubOptions {
  const token = secrets.hubToken === undefined ? {} : { token: { origin: config.hubUrl, value: secrets.hubToken } };
  return { hubUrl: config.hubUrl, signal, ...token };
}

async function outlookOf(settings: Settings, plan: OutlinedModel, { request, asking }: { readonly request: Omit<OutlookRequest, 'source'>; readonly asking: AskOptions }): Promise<ModelOutlook> {
  const { contextTokens, peers: named } = request;
  const { split, ...facts } = plan.facts;
  const fit = { facts: plan.facts, contextTokens, freeBytes: await availableBytes() };
  const needsOthers = split !== undefined && whatFits({ ...fit, peers: [] }).fits !== 'here';
  const asked = await askMemory(settings, { named, known: needsOthers ? knownPeers(settings.config) : [] }, asking);
  return {
    name: plan.name, sizeBytes: plan.sizeBytes, files: plan.files.map(({ origin }) => origin), facts: { ...facts, canSplit: split !== undefined }, contextTokens,
    verdict: whatFits({ ...fit, ...countPeers(asked) }), peers: asked,
  };
}

export interface ModelChoice {
  /** What `model add` takes. */
  readonly source: string;
  readonly sizeBytes: number;
  readonly files: number;
}

/** `model add --list`: the models of a repository. Throws HUB_*. */
export async function listRepository(settings: Settings, source: string, signal: AbortSignal): Promise<ModelChoice[]> {
  const reference = parseReference(source, settings.config.hubUrl);
  if (reference.kind !== 'hub') return [];
  const { repo, revision } = reference;
  const at = revision === 'main' ? '' : `@${revision}`;
  const choices = choicesOf(await listHubFiles(repo, revision, webOptions(settings, signal)));
  return choices.map(({ files, sizeBytes }) => ({ source: `hf:${repo}${at}/${files[0]?.path ?? ''}`, sizeBytes, files: files.length }));
}

export interface SearchRequest {
  readonly words: string;
  readonly limit: number;
  /** Ask nobody. */
  readonly isOffline: boolean;
}

export interface SearchResult {
  readonly hub: readonly HubModel[];
  /** Of the list that comes with the app, with what memory alone says: weights without a KV cache, in equal parts where they need peers. */
  readonly known: readonly (CuratedModel & { readonly source: string; readonly fitsHere: boolean; readonly peersNeeded?: number })[];
  /** Known peers that were asked for their memory, where something does not fit here. */
  readonly peers: readonly AskedPeer[];
  readonly knownAsOf: string;
  /** Why the hub was not asked or did not answer; then only `known` counts. */
  readonly offline?: string;
}

/** `model search`: the hub, and the list that comes with the app; that alone where the hub cannot be reached. Throws HUB_*. */
export async function searchModels(settings: Settings, { words, limit, isOffline }: SearchRequest, { paths, ...asking }: AskOptions & { readonly paths: AppPaths }): Promise<SearchResult> {
  const list = await readCurated(join(paths.models, 'curated.json'));
  const found = searchCurated(list, words);
  const [{ hub, offline }, { known, peers }] = await Promise.all([isOffline ? { hub: [], offline: 'not asked' } : hubModels(settings, words, { limit, signal: asking.signal }), knownModels(settings, found, { isOffline, ...asking })]);
  return { hub, known, peers, knownAsOf: list.asOf, ...(offline === undefined ? {} : { offline }) };
}

async function hubModels(settings: Settings, words: string, { limit, signal }: Pick<SearchRequest, 'limit'> & { readonly signal: AbortSignal }): Promise<Pick<SearchResult, 'hub' | 'offline'>> {
  try {
    return { hub: await searchHub(words, { ...webOptions(settings, signal), limit }) };
  } catch (error) {
    if (isCoded(error) && error.retryable) return { hub: [], offline: error.message };
    throw error;
  }
}

async function knownModels(settings: Settings, models: readonly CuratedModel[], { isOffline, ...asking }: Pick<SearchRequest, 'isOffline'> & AskOptions): Promise<Pick<SearchResult, 'known' | 'peers'>> {
  const freeBytes = await availableBytes();
  const needsOthers = !isOffline && models.some(({ sizeBytes }) => whatFitsBySize(sizeBytes, { freeBytes, peers: [] }).fits !== 'here');
  const asked = needsOthers ? await askMemory(settings, { named: [], known: knownPeers(settings.config) }, asking) : [];
  const { peers } = countPeers(asked);
  const known = models.map((model) => {
    const { fits, peersNeeded } = whatFitsBySize(model.sizeBytes, { freeBytes, peers });
    return { ...model, source: `hf:${model.repo}/${model.file}`, fitsHere: fits === 'here', ...(peersNeeded === undefined ? {} : { peersNeeded }) };
  });
  return { known, peers: asked };
}

export interface ModelFileEntry {
  /** What `--model` takes. */
  readonly name: string;
  /** `hf:owner/repo/file.gguf`, an address or a path. */
  readonly reference: string;
  /** Of the first file. */
  readonly path: string;
  readonly cid: string;
  /** Of all files. */
  readonly sizeBytes: number;
  readonly files: number;
  /** Last use, Unix time in milliseconds. */
  readonly usedAt: number;
  readonly isPinned: boolean;
  /** In the home folder; else it is the user's and never removed. */
  readonly isOwned: boolean;
  /** False when blocks of it were found damaged. */
  readonly isWhole: boolean;
}

/** Whole models that `model add` downloaded or was given. */
export const listModelFiles = (config: Settings['config']): Promise<ModelFileEntry[]> => withStore(config, (store) => localModels(store.catalog.modelFiles.list()).map(entryOf));

function entryOf({ name, reference, files }: LocalModel): ModelFileEntry {
  const [{ path, cid, isOwned }] = files;
  return {
    name, reference, path, cid, isOwned, files: files.length, sizeBytes: files.reduce((bytes, file) => bytes + file.sizeBytes, 0),
    usedAt: Math.max(...files.map((file) => file.usedAt)), isPinned: files.every((file) => file.isPinned), isWhole: files.every((file) => file.isWhole),
  };
}

/** What `model show` says besides: whether it fits. Of a model of which its file or a piece is here; else its header is not known. */
export type ShownModel = (ModelDetails | ModelFileEntry) & { readonly outlook?: Pick<ModelOutlook, 'contextTokens' | 'verdict' | 'peers'> };

/** `model show`: shards of a model, or else a downloaded one. Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS, HOST_MODEL_AMBIGUOUS. */
export async function showModelOrFile(settings: Settings, model: string, signal: AbortSignal): Promise<ShownModel> {
  const { entry, path, cut } = await withStore(settings.config, (store) => shownBy(store, model, settings.config));
  try {
    const plan = path !== undefined && existsSync(path) ? await planOf(settings, path, signal) : await (cut && outlineOfPieces(cut.manifest, cut.details, signal));
    if (plan === undefined) return entry;
    const { contextTokens, verdict, peers } = await outlookOf(settings, plan, { request: { contextTokens: settings.config.contextTokens, peers: [] }, asking: { signal } });
    return { ...entry, outlook: { contextTokens, verdict, peers } };
  } catch (error) {
    // A file that has changed or is damaged is shown all the same.
    if (isCoded(error) && !signal.aborted) return entry;
    throw error;
  }
}

interface Shown {
  readonly entry: ModelDetails | ModelFileEntry;
  /** Of its file, or the first of them. */
  readonly path: string | undefined;
  readonly cut?: { readonly manifest: Manifest; readonly details: ModelDetails };
}

function shownBy(store: LocalStore, model: string, { hubUrl }: Settings['config']): Shown {
  try {
    const entry = modelDetails(store, model);
    return { entry, path: store.catalog.modelFiles.sourceOf(entry.cid), cut: { manifest: store.model(model).manifest, details: entry } };
  } catch (error) {
    if (!isCoded(error, 'SPACE_NO_SUCH_MODEL')) throw error;
    const file = listedModel(store, model, hubUrl);
    if (file === undefined) throw error;
    const entry = entryOf(file);
    return { entry, path: entry.isWhole ? entry.path : undefined };
  }
}

/**
 * `model rm`: a model of shards, a downloaded model with all its files, or both where they have one name. A file that is the user's is only taken off the list.
 * Returns the bytes that this freed. Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS, HOST_MODEL_AMBIGUOUS, SPACE_PINNED, CATALOG_IN_USE.
 */
export const removeModelOrFile = (config: Settings['config'], model: string): Promise<number> => withStore(config, async (store) => {
  const file = listedModel(store, model, config.hubUrl);
  const cut = cutModel(store, model, file);
  const freedBytes = cut === undefined ? 0 : await store.removeModel(cut.cid);
  if (file === undefined) return freedBytes;
  const freedFiles = await store.removeFiles(file.files.map(({ path }) => path));
  dropEmpty(store, file);
  return freedBytes + freedFiles;
});

/** A model of which no layer is here any more was only the description of the file; the vocabulary is shared with other cuts. */
function dropEmpty({ catalog }: LocalStore, { files: [{ path }] }: LocalModel): void {
  for (const { cid, heldShards, isPinned } of catalog.models.list()) {
    if (heldShards === 0 && !isPinned && catalog.modelFiles.sourceOf(cid) === path) catalog.models.delete(cid);
  }
}

/** `model pin|unpin`, of what `model rm` would remove. Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS, HOST_MODEL_AMBIGUOUS. */
export const pinModelOrFile = (config: Settings['config'], model: string, isPinned: boolean): Promise<ModelEntry | ModelFileEntry> => withStore(config, (store) => {
  const file = listedModel(store, model, config.hubUrl);
  const cut = cutModel(store, model, file);
  if (file !== undefined) store.pinFiles(file.files.map(({ path }) => path), isPinned);
  return cut === undefined && file !== undefined ? { ...entryOf(file), isPinned } : pinModel(store, cut?.cid ?? model, isPinned);
});

// Without a file of that name it must be there.
function cutModel(store: LocalStore, model: string, file: LocalModel | undefined): StoredModel | undefined {
  try {
    return store.model(model);
  } catch (error) {
    if (file !== undefined && isCoded(error, 'SPACE_NO_SUCH_MODEL')) return undefined;
    throw error;
  }
}
