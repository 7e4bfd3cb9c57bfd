import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isCoded } from '../../base/index.ts';
import type { ShardTree } from '../dag/index.ts';
import { partName, partsOf } from '../gguf/parts.ts';
import { openGguf, type Gguf } from '../gguf/reader.ts';
import { fileSource, type ByteSource } from '../gguf/source.ts';
import { diskFiles } from '../ports.ts';
import { hashSources } from '../shard/digest.ts';
import type { Manifest } from '../shard/manifest.ts';
import { modelFiles, openModelFile, type Parts } from '../shard/open-model.ts';
import { treeOfFile } from '../shard/verify.ts';
import { chooseModel } from './choose.ts';
import { downloadFile, type DownloadOptions, type DownloadProgress } from './download/download-file.ts';
import { isBegun, partialPath } from './download/partial-file.ts';
import { sha256OfFile } from './download/sha256.ts';
import { hubErrors } from './errors.ts';
import { ModelPieces, type PieceShelf, type ReadyPiece } from './model-pieces.ts';
import { modelFacts, type ModelFacts } from './facts.ts';
import { fileUrl, listHubFiles, type HubOptions } from './hub-api.ts';
import { isPlainPath, type ModelReference } from './reference.ts';
import { locateFile, remoteSource, type RemoteFile } from './remote-file.ts';
import { shownUrl } from './web.ts';

/** Where finished models are noted; the catalogue, once a model is on its shelf. */
export interface ModelShelf {
  add(file: ShelvedFile): Promise<void>;
}

/** A file of a model that lies whole, synced and checked on this disk. */
export interface ShelvedFile {
  readonly path: string;
  readonly tree: ShardTree;
  readonly mtimeMs: number;
  /** Written by us into our own folder; else it is the user's and stays where it is. */
  readonly isOwned: boolean;
  /** `hf:owner/repo@commit/file`, an address without query, or the path. */
  readonly origin: string;
}

export interface AddOptions extends HubOptions {
  /** Gets the models, in folders by where they come from. */
  readonly folder: string;
}

interface PlannedFile {
  readonly target: string;
  readonly origin: string;
  /** Absent for a file that is here already. */
  readonly remote?: RemoteFile;
}

export interface AddPlan {
  readonly name: string;
  readonly facts: ModelFacts;
  readonly sizeBytes: number;
  readonly files: readonly [PlannedFile, ...PlannedFile[]];
  /** The headers of the files. */
  readonly parts: Parts;
}

/** Finds out what adding a model means, and writes nothing: which files, how big, what their headers say. Throws HUB_*, GGUF_*, STORE_*, SHARD_*. */
export async function planAdd(reference: ModelReference, options: AddOptions): Promise<AddPlan> {
  if (reference.kind === 'file') return planLocal(reference.path, options.signal);
  const files = reference.kind === 'hub' ? await hubFiles(reference, options) : await webFiles(reference.url, options);
  const remotes = files.map(({ remote }) => remote);
  const parts = await headers(remotes, options);
  const facts = modelFacts(parts);
  return { name: basename(files[0].target, '.gguf'), facts, parts, sizeBytes: remotes.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0), files };
}

/** What `stat` counts allocated space in (POSIX). */
const STAT_BLOCK_BYTES = 512;

type Remote = Required<PlannedFile>;
type Remotes = readonly [Remote, ...Remote[]];

async function hubFiles(reference: Extract<ModelReference, { kind: 'hub' }>, options: AddOptions): Promise<Remotes> {
  const { repo, revision } = reference;
  const { files } = chooseModel(reference, await listHubFiles(repo, revision, options));
  const locate = async (path: string, at: string): Promise<Remote> => {
    const remote = await locateFile(fileUrl(options.hubUrl, repo, { revision: at, path }), options);
    const listed = files.find((file) => file.path === path);
    if (listed?.sizeBytes !== remote.sizeBytes) throw hubErrors.changed({ url: shownUrl(remote.url) });
    const sha256 = remote.sha256 ?? listed.sha256;
    return { remote: { ...remote, ...(sha256 === undefined ? {} : { sha256 }) }, target: join(options.folder, 'hf', repo, path), origin: `hf:${repo}@${remote.commit ?? at}/${path}` };
  };
  const [first, ...others] = files;
  if (first === undefined) throw hubErrors.noModelFiles({ repo });
  // All from the commit that the branch stood for at first, and the first itself too when it is fetched later.
  const { remote: { commit = revision } } = await locate(first.path, revision);
  return [await locate(first.path, commit), ...await Promise.all(others.map(({ path }) => locate(path, commit)))];
}

async function webFiles(url: string, options: AddOptions): Promise<Remotes> {
  const { pathname, hostname } = new URL(url);
  const name = decodeURIComponent(pathname.split('/').at(-1) ?? '');
  if (!isPlainPath(name) || name.includes('/') || !/\.gguf$/i.test(name)) throw hubErrors.badReference({ text: shownUrl(url), problem: 'the address does not end in the name of a .gguf file' });
  const locate = async (part: string): Promise<Remote> => {
    const at = new URL(url);
    at.pathname = [...pathname.split('/').slice(0, -1), encodeURIComponent(part)].join('/');
    const remote = await locateFile(at.href, options).catch((error: unknown) => {
      throw isCoded(error, 'HUB_NOT_FOUND') && partName(name) !== undefined ? hubErrors.missingPart({ name: part, parts: partsOf(name).length }) : error;
    });
    return { remote, target: join(options.folder, 'web', hostname.replaceAll(/[^\w.-]/g, '_'), part), origin: shownUrl(at.href) };
  };
  const [first = name, ...others] = partsOf(name);
  return [await locate(first), ...await Promise.all(others.map(locate))];
}

async function headers(remotes: readonly RemoteFile[], options: AddOptions): Promise<[Gguf, ...Gguf[]]> {
  const open = (remote: RemoteFile): Promise<Gguf> => openGguf(remoteSource(remote, options), options.signal === undefined ? {} : { signal: options.signal });
  const [first, ...others] = await Promise.all(remotes.map(open));
  if (first === undefined) throw hubErrors.noModelFiles({ repo: '' });
  return [first, ...others];
}

async function planLocal(path: string, signal: AbortSignal | undefined): Promise<AddPlan> {
  const model = await openModelFile(path, signal === undefined ? {} : { signal });
  try {
    const facts = modelFacts(model.parts);
    const [first, ...others] = (await modelFiles(path)).map((file): PlannedFile => ({ target: file, origin: file }));
    const sizeBytes = model.parts.reduce((bytes, { source }) => bytes + source.sizeBytes, 0);
    return { name: basename(path, '.gguf'), facts, parts: model.parts, sizeBytes, files: [first ?? { target: path, origin: path }, ...others] };
  } finally {
    await model.close();
  }
}

export interface AddProgress extends Omit<DownloadProgress, 'phase'> {
  /** `hashing` names the blocks of a file that is here already. */
  readonly phase: DownloadProgress['phase'] | 'hashing';
  readonly file: string;
  /** Counted from 1. */
  readonly part: number;
  readonly parts: number;
}

export interface AddModelOptions extends Pick<DownloadOptions, 'connections' | 'files' | 'leases' | 'firstRetryMs' | 'maxFailures' | 'pace' | 'signal' | 'stallMs' | 'token'> {
  readonly shelf: ModelShelf;
  /** Gets the shards of the model, each as soon as its bytes are there; absent where nothing is given to others. */
  readonly pieces?: PieceShelf;
  readonly onProgress?: (progress: AddProgress) => void;
  /** A shard can be given to others from now on. */
  readonly onPiece?: (piece: ReadyPiece) => void;
}

export interface AddedFile extends ShelvedFile {
  /** Bytes that were not fetched, because an earlier run had. */
  readonly resumedBytes: number;
}

export interface AddedModelFiles {
  readonly files: AddedFile[];
  /** How the model is cut; absent without `pieces`, or when it cannot be. */
  readonly manifest?: Manifest;
}

/**
 * Fetches what the plan lacks, one file after the other over several connections, and shelves each when it is whole. With
 * `pieces` its shards can be given to others as they come; when a file turns out to be wrong, or the download is
 * cancelled, all that has bytes of it is withdrawn. Throws HUB_*.
 */
export async function addModel(plan: AddPlan, options: AddModelOptions): Promise<AddedModelFiles> {
  await reserve(plan, options.files ?? diskFiles);
  const { pieces: shelf, onPiece } = options;
  const paths = plan.files.map(({ target }) => target);
  const pieces = shelf === undefined ? undefined : ModelPieces.of({ parts: plan.parts, paths, shelf, ...(onPiece === undefined ? {} : { onPiece }) });
  const files: AddedFile[] = [];
  try {
    for (const index of plan.files.keys()) files.push(await addFile(plan, index, { options, pieces }));
    if (pieces === undefined) return { files };
    return { files, manifest: await pieces.manifest(await hashOf(plan, options)) };
  } finally {
    await pieces?.close();
  }
}

/** What came of the file is wrong, or the user does not want it: nothing of it is given any more. */
const WITHDRAWING: readonly string[] = ['HUB_CHECKSUM', 'HUB_CHANGED', 'HUB_CANCELLED'];

interface AddContext {
  readonly options: AddModelOptions;
  readonly pieces: ModelPieces | undefined;
}

async function addFile(plan: AddPlan, index: number, { options, pieces }: AddContext): Promise<AddedFile> {
  const [file = plan.files[0]] = plan.files.slice(index);
  const { tree, resumedBytes } = await fetchFile(file, { ...options, onProgress: toldOf(plan, index, options), onLeaf: (leaf) => pieces?.arrived(index, leaf) }).catch(async (error: unknown) => {
    if (isCoded(error) && WITHDRAWING.includes(error.code)) await pieces?.withdraw(file.target);
    throw error;
  });
  const { mtimeMs } = await stat(file.target);
  const shelved = { path: file.target, tree, mtimeMs, isOwned: file.remote !== undefined, origin: file.origin };
  await options.shelf.add(shelved);
  pieces?.whole(index);
  return { ...shelved, resumedBytes };
}

const toldOf = ({ files }: AddPlan, index: number, { onProgress }: AddModelOptions): Told['onProgress'] =>
  (progress) => onProgress?.({ ...progress, file: basename(files[index]?.target ?? ''), part: index + 1, parts: files.length });

/** BLAKE3 of all files, one after the other. */
async function hashOf(plan: AddPlan, options: AddModelOptions): Promise<string> {
  const { signal } = options;
  const sources: ByteSource[] = [];
  let bytesDone = 0;
  const onBytes = (bytes: number): void => toldOf(plan, plan.files.length - 1, options)({ phase: 'hashing', bytesDone: bytesDone += bytes, bytesTotal: plan.sizeBytes });
  try {
    for (const { target } of plan.files) sources.push(await fileSource(target));
    return await hashSources(sources, signal === undefined ? { onBytes } : { onBytes, signal });
  } catch (error) {
    throw signal?.aborted === true ? hubErrors.cancelled({ name: plan.name }, error) : error;
  } finally {
    for (const source of sources) await source.close();
  }
}

/** A model of many parts must not fill the disk with the first ones. What is there in part counts as there. */
async function reserve({ files }: AddPlan, disk: NonNullable<AddModelOptions['files']>): Promise<void> {
  const missing = await Promise.all(files.map(async ({ remote, target }) => {
    if (remote === undefined) return 0;
    const there = await Promise.all([target, partialPath(target)].map((path) => stat(path).then(({ blocks, size }) => Math.min(size, blocks * STAT_BLOCK_BYTES), () => 0)));
    return Math.max(0, remote.sizeBytes - Math.max(...there));
  }));
  const needBytes = missing.reduce((sum, bytes) => sum + bytes, 0);
  const [{ target }] = files;
  if (needBytes === 0) return;
  await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => { throw hubErrors.writeFailed({ path: target }, error); });
  const freeBytes = await disk.freeBytes(dirname(target));
  if (freeBytes < needBytes) throw hubErrors.diskFull({ path: target, needBytes, freeBytes });
}

type Told = Omit<AddModelOptions, 'onProgress'> & {
  readonly onProgress: (progress: Omit<AddProgress, 'file' | 'part' | 'parts'>) => void;
  readonly onLeaf: (leaf: number) => void;
};

async function fetchFile({ remote, target }: PlannedFile, options: Told): Promise<{ readonly tree: ShardTree; readonly resumedBytes: number }> {
  const found = await stat(target).catch(() => undefined);
  const isHere = remote === undefined || (found?.size === remote.sizeBytes && await isIntact(target, remote, options));
  if (isHere) return { tree: await hashed(target, found?.size ?? 0, options), resumedBytes: found?.size ?? 0 };
  // What an earlier run left of the same version goes on being given; another one under this name does not.
  if (found !== undefined || !await isBegun(target, remote)) options.pieces?.withdraw(target);
  return downloadFile({ ...options, remote, target });
}

/** Whether the file from an earlier run is the one that the hub has now; without a checksum nothing can tell. */
async function isIntact(path: string, { sha256, sizeBytes }: RemoteFile, { signal, onProgress }: Told): Promise<boolean> {
  if (sha256 === undefined) return false;
  let bytesDone = 0;
  const onBytes = (bytes: number): void => onProgress({ phase: 'checking', bytesDone: bytesDone += bytes, bytesTotal: sizeBytes });
  return await sha256OfFile(path, signal === undefined ? { onBytes } : { onBytes, signal }) === sha256;
}

async function hashed(path: string, bytesTotal: number, { signal, onProgress }: Told): Promise<ShardTree> {
  let bytesDone = 0;
  const onBytes = (bytes: number): void => onProgress({ phase: 'hashing', bytesDone: bytesDone += bytes, bytesTotal });
  try {
    const { cid, sizeBytes, leafHashes } = await treeOfFile(path, signal === undefined ? { onBytes } : { onBytes, signal });
    return { cid, sizeBytes, leafHashes };
  } catch (error) {
    throw signal?.aborted === true ? hubErrors.cancelled({ name: path }, error) : error;
  }
}
