import { join } from 'node:path';
import { cutModel, LocalStore, modelFiles, type CutModelOptions, type LocalStoreInit, type Manifest, type MendReport, type RescanProgress, type ScrubReport, type StoredFile, type StoreStats, type StoredModel } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { listedModel } from './resolve-model.ts';

/** Folders in the home: the catalogue with what was fetched, and what was cut. */
export const storeFolder = (home: string): string => join(home, 'store');
export const catalogPath = (home: string): string => join(storeFolder(home), 'catalog.db');
export const cutsFolder = (home: string): string => join(home, 'shards');
export const modelsFolder = (home: string): string => join(home, 'models');

export function openStore({ home, storeQuotaBytes }: Pick<HostConfig, 'home' | 'storeQuotaBytes'>, more: Pick<LocalStoreInit, 'onProblem' | 'onMended'> = {}): LocalStore {
  return new LocalStore({ onMended: (report) => process.stderr.write(`omninode: ${mendedText(report)}\n`), ...more, folder: storeFolder(home), ownFolders: [cutsFolder(home)], modelFolder: modelsFolder(home), ...(storeQuotaBytes === undefined ? {} : { quotaBytes: storeQuotaBytes }) });
}

/** What the user is told when a damaged catalogue was made anew. */
export const mendedText = ({ reason, movedTo, shards, models, pins }: MendReport): string =>
  `the catalogue of the store was damaged (${reason}) and is made anew: ${shards} shards, ${models} models and ${pins} pins were still readable, the rest is looked for on the disk; the damaged one is kept as ${movedTo}`;

/** Opens the store for one thing; leases that it takes last until this process ends. */
export async function withStore<T>(config: Pick<HostConfig, 'home' | 'storeQuotaBytes'>, use: (store: LocalStore) => T | Promise<T>): Promise<T> {
  const store = openStore(config);
  try {
    if (store.isRescanDue) await store.rescan({ onProgress: showRescan() });
    return await use(store);
  } finally {
    store.close();
  }
}

/** On a terminal: it may take a while, and happens once. */
function showRescan(): (progress: RescanProgress) => void {
  const isShown = process.stderr.isTTY === true;
  return ({ bytesDone, bytesTotal }) => {
    if (isShown) process.stderr.write(`\romninode: looking for files of the store ${Math.floor((100 * bytesDone) / Math.max(1, bytesTotal))} %${bytesDone === bytesTotal ? '\n' : ''}`);
  };
}

/**
 * Cuts a model into a folder and lists what it gives. The folder is in use until this
 * process ends: the stages that it starts load from there. Throws SPACE_*, CATALOG_*, SHARD_*.
 */
export async function cutIntoStore(config: HostConfig, options: CutModelOptions & { readonly model: string }): Promise<Manifest> {
  return withStore(config, async (store) => {
    const { folder } = options;
    store.hold(folder);
    let room: { release(): void } | undefined;
    // Kept from the start to the end, so that another one's download does not take it on the way.
    const onPlan: CutModelOptions['onPlan'] = async (files) => { if (store.owns(folder)) room = await store.reserve(files); };
    const manifest = await cutModel({ ...options, onPlan, onPiece: (path, tree) => store.add(path, tree) }).finally(() => room?.release());
    store.addModel(manifest, (await modelFiles(options.model))[0]);
    return manifest;
  });
}

/** A model as `model ls` shows it. */
export interface ModelEntry {
  readonly cid: string;
  readonly name: string;
  readonly architecture: string;
  readonly quantization: string;
  readonly layers: number;
  readonly sizeBytes: number;
  readonly heldBytes: number;
  readonly isPinned: boolean;
}

export interface PieceEntry {
  readonly cid: string;
  /** First and last layer; null for the vocabulary. */
  readonly layers: readonly [number, number] | null;
  readonly sizeBytes: number;
  readonly state: 'here' | 'partial' | 'missing';
  /** Leaves of 1 MiB that are here, of a partial shard. */
  readonly leaves: number | null;
  readonly paths: readonly string[];
}

export type ModelDetails = ModelEntry & { readonly contextTokens: number; readonly pieces: readonly PieceEntry[] };

export const listModels = (config: HostConfig): Promise<ModelEntry[]> => withStore(config, (store) => store.catalog.models.list().map(entryOf));

/** Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS. */
export function modelDetails(store: LocalStore, model: string): ModelDetails {
  const found = store.model(model);
  const { shards, vocabulary, context_length } = found.manifest;
  const pieces = [...shards.map((shard) => ({ ...shard, layers: shard.layer_range })), { ...vocabulary, layers: null }];
  return { ...entryOf(found), contextTokens: context_length, pieces: pieces.map((piece) => pieceOf(piece, store.catalog.shards.files(piece.cid))) };
}

/** Throws SPACE_NO_SUCH_MODEL, SPACE_AMBIGUOUS. */
export function pinModel(store: LocalStore, model: string, isPinned: boolean): ModelEntry {
  const { cid } = store.model(model);
  if (isPinned) store.catalog.pin(cid);
  else store.catalog.unpin(cid);
  return entryOf(store.model(cid));
}

export const storeStats = (config: HostConfig): Promise<StoreStats> => withStore(config, (store) => store.stats());

/** Down to `targetBytes`, or the quota when absent; with `unfinished` also what broken-off downloads left. */
export const collectGarbage = (config: HostConfig, { targetBytes, unfinished }: { readonly targetBytes?: number | undefined; readonly unfinished?: boolean | undefined } = {}): Promise<{ freedBytes: number; usedBytes: number }> =>
  withStore(config, (store) => store.gc(targetBytes, { unfinished: unfinished === true }));

export interface VerifyStoreOptions {
  /** What `model ls` calls it; all when absent. */
  readonly model?: string | undefined;
  readonly signal?: AbortSignal;
  readonly onStatus?: (text: string) => void;
}

export const verifyStore = (config: HostConfig, { model, signal, onStatus }: VerifyStoreOptions): Promise<ScrubReport> => withStore(config, (store) => {
  return store.scrub({
    ...(model === undefined ? {} : { cids: cidsOf(store, model, config.hubUrl) }), ...(signal === undefined ? {} : { signal }),
    onProgress: ({ bytesDone, bytesTotal, path }) => onStatus?.(`verifying ${Math.floor((100 * bytesDone) / Math.max(1, bytesTotal))} %  ${path}`),
  });
});

// Of a downloaded model its files, of one of shards its pieces, of a name that both have all.
function cidsOf(store: LocalStore, model: string, hubUrl: string): string[] {
  const files = listedModel(store, model, hubUrl)?.files.map(({ cid }): string => cid) ?? [];
  const isCut = store.catalog.models.list().some(({ cid, manifest }) => [cid, manifest.model_name].includes(model));
  if (!isCut && files.length > 0) return files;
  const { shards, vocabulary } = store.model(model).manifest;
  return [...files, ...[...shards, vocabulary].map((piece) => piece.cid)];
}

const entryOf = ({ cid, manifest, heldBytes, isPinned }: StoredModel): ModelEntry => ({
  cid, name: manifest.model_name, architecture: manifest.architecture, quantization: manifest.quantization, layers: manifest.total_layers,
  sizeBytes: manifest.total_size_bytes, heldBytes, isPinned,
});

function pieceOf({ cid, size_bytes, layers }: { cid: string; size_bytes: number; layers: readonly [number, number] | null }, files: readonly StoredFile[]): PieceEntry {
  const whole = files.filter((file) => file.present === undefined);
  const leaves = Math.max(0, ...files.map((file) => (file.present?.count ?? 0) + (file.pending?.count ?? 0)));
  const state = whole.length > 0 ? 'here' : files.length > 0 ? 'partial' : 'missing';
  return { cid, layers, sizeBytes: size_bytes, state, leaves: state === 'partial' ? leaves : null, paths: whole.map((file) => file.path) };
}
