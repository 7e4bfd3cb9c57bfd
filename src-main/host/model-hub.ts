import { rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { isCoded } from '../base/index.ts';
import { availableBytes } from '../inference/index.ts';
import {
  addModel, choicesOf, listHubFiles, parseReference, partsOf, planAdd, readCurated, searchCurated, searchHub, spaceErrors, whatFits,
  type AddPlan, type AddProgress, type CuratedModel, type FitVerdict, type HubModel, type HubOptions, type LocalStore, type ModelFacts, type ModelShelf,
} from '../store/index.ts';
import type { Settings } from './config.ts';
import { modelsFolder, removeModel, withStore } from './local-store.ts';
import type { AppPaths } from './paths.ts';
import { withNode } from './plan-pipeline.ts';

/** What a model takes, and whether it fits here or, with the peers named, together. */
export interface ModelOutlook {
  readonly name: string;
  readonly sizeBytes: number;
  /** Names of its files. */
  readonly files: readonly string[];
  readonly facts: Omit<ModelFacts, 'split'> & { readonly canSplit: boolean };
  readonly contextTokens: number;
  readonly verdict: FitVerdict;
}

export interface OutlookRequest {
  /** `hf:owner/repo/file.gguf`, `hf:owner/repo:Q4_K_M`, an https address or a path. */
  readonly source: string;
  readonly contextTokens: number;
  /** Addresses of peers that could take layers. */
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
}

export interface AddedModel extends ModelOutlook {
  /** Of the first file: what `--model` takes. */
  readonly path: string;
  readonly added: readonly { readonly path: string; readonly cid: string; readonly sizeBytes: number; readonly origin: string; readonly resumedBytes: number }[];
}

/** `model add --dry-run`: reads headers only. Throws HUB_*, GGUF_*, STORE_*, SHARD_*, MESH_*. */
export async function modelOutlook(settings: Settings, request: OutlookRequest, { signal }: Pick<AddCallbacks, 'signal'>): Promise<ModelOutlook> {
  return outlookOf(settings, await planOf(settings, request.source, signal), { request, signal });
}

/** `model add`: downloads what is not here, and lists it in the store, whence it can be served block by block. */
export async function addFromHub(settings: Settings, request: AddRequest, { signal, onOutlook, onProgress }: AddCallbacks): Promise<AddedModel> {
  const plan = await planOf(settings, request.source, signal);
  const outlook = await outlookOf(settings, plan, { request, signal });
  onOutlook?.(outlook);
  return withStore(settings.config, async (store) => {
    const shelf: ModelShelf = { add: ({ path, tree }) => store.add(path, tree) };
    const files = await addModel(plan, {
      shelf, leases: store.catalog.leases, ...webOptions(settings, signal), ...(onProgress === undefined ? {} : { onProgress }), ...(request.connections === undefined ? {} : { connections: request.connections }),
    });
    const added = files.map(({ path, tree, origin, resumedBytes }) => ({ path, cid: tree.cid, sizeBytes: tree.sizeBytes, origin, resumedBytes }));
    return { ...outlook, path: plan.files[0].target, added };
  });
}

const planOf = (settings: Settings, source: string, signal: AbortSignal): Promise<AddPlan> =>
  planAdd(parseReference(source, settings.config.hubUrl), { ...webOptions(settings, signal), folder: modelsFolder(settings.config.home) });

function webOptions({ config, secrets }: Settings, signal: AbortSignal): HubOptions {
  const token = secrets.hubToken === undefined ? {} : { token: { origin: config.hubUrl, value: secrets.hubToken } };
  return { hubUrl: config.hubUrl, signal, ...token };
}

async function outlookOf(settings: Settings, plan: AddPlan, { request, signal }: { readonly request: OutlookRequest; readonly signal: AbortSignal }): Promise<ModelOutlook> {
  const { contextTokens, peers: addresses } = request;
  const peers = addresses.length === 0 ? [] : await memoryOfPeers(settings, addresses, signal);
  const { split, ...facts } = plan.facts;
  const verdict = whatFits({ facts: plan.facts, contextTokens, freeBytes: await availableBytes(), peers });
  return { name: plan.name, sizeBytes: plan.sizeBytes, files: plan.files.map(({ origin }) => origin), facts: { ...facts, canSplit: split !== undefined }, contextTokens, verdict };
}

function memoryOfPeers(settings: Settings, addresses: readonly string[], signal: AbortSignal): Promise<{ readonly freeBytes: number }[]> {
  return withNode(settings, ({ mesh, coordinator }) => Promise.all(addresses.map(async (address) => {
    const peer = await mesh.dial(address, { signal });
    return (await coordinator.queryNode({ peer, addresses: [address], signal })).node;
  })));
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
  /** Of the list that comes with the app, with what memory alone says: weights without a KV cache. */
  readonly known: readonly (CuratedModel & { readonly source: string; readonly fitsHere: boolean })[];
  readonly knownAsOf: string;
  /** Why the hub was not asked or did not answer; then only `known` counts. */
  readonly offline?: string;
}

/** `model search`: the hub, and the list that comes with the app; that alone where the hub cannot be reached. Throws HUB_*. */
export async function searchModels(settings: Settings, { words, limit, isOffline }: SearchRequest, { paths, signal }: { readonly paths: AppPaths; readonly signal: AbortSignal }): Promise<SearchResult> {
  const list = await readCurated(join(paths.models, 'curated.json'));
  const freeBytes = await availableBytes();
  const known = searchCurated(list, words).map((model) => ({ ...model, source: `hf:${model.repo}/${model.file}`, fitsHere: model.sizeBytes < freeBytes }));
  const offline = { hub: [], known, knownAsOf: list.asOf };
  if (isOffline) return { ...offline, offline: 'not asked' };
  try {
    return { ...offline, hub: await searchHub(words, { ...webOptions(settings, signal), limit }) };
  } catch (error) {
    if (isCoded(error) && error.retryable) return { ...offline, offline: error.message };
    throw error;
  }
}

export interface ModelFileEntry {
  /** Path below the folder for models. */
  readonly name: string;
  readonly path: string;
  readonly cid: string;
  readonly sizeBytes: number;
}

/** Whole model files that `model add` downloaded. */
export const listModelFiles = (config: Settings['config']): Promise<ModelFileEntry[]> => withStore(config, (store) => filesIn(store, config.home));

function filesIn(store: LocalStore, home: string): ModelFileEntry[] {
  const folder = modelsFolder(home);
  return store.catalog.shards.files().flatMap(({ path, cid, sizeBytes }) => {
    const name = relative(folder, path);
    return name.startsWith('..') || name === path ? [] : [{ name, path, cid, sizeBytes }];
  });
}

/**
 * `model rm`: a model of the store, or else a downloaded file with all its parts, by file name, path or CID. Returns the
 * bytes that this freed. Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS, SPACE_PINNED, CATALOG_IN_USE.
 */
export async function removeModelOrFile(config: Settings['config'], model: string): Promise<number> {
  try {
    return await removeModel(config, model);
  } catch (error) {
    if (!isCoded(error, 'SPACE_NO_SUCH_MODEL')) throw error;
    return withStore(config, async (store) => {
      const files = filesIn(store, config.home);
      const found = files.find(({ name, path, cid }) => [name, path, cid, basename(path), basename(path, '.gguf')].includes(model));
      if (found === undefined) throw error;
      const parts = partsOf(found.path);
      let freedBytes = 0;
      for (const file of files.filter(({ path }) => parts.includes(path))) freedBytes += await removeFile(store, file);
      return freedBytes;
    });
  }
}

// Nobody may begin to read it meanwhile.
async function removeFile({ catalog }: LocalStore, { path, cid, name, sizeBytes }: ModelFileEntry): Promise<number> {
  if (catalog.shards.isPinned(cid)) throw spaceErrors.pinned({ model: name });
  const lease = catalog.leases.take(cid, { isExclusive: true });
  try {
    await rm(path, { force: true });
    catalog.shards.delete(path);
    return sizeBytes;
  } finally {
    lease.release();
  }
}
