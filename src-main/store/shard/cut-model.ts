import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isCoded, type LayerRange } from '../../base/index.ts';
import type { HashedTree } from '../dag/index.ts';
import { shardErrors } from '../errors.ts';
import { openGguf } from '../gguf/reader.ts';
import type { ByteSource } from '../gguf/source.ts';
import { diskFiles, type StoreFiles } from '../ports.ts';
import { cutPiece } from './cut-join.ts';
import { hashSources } from './digest.ts';
import { encodeManifestCbor, encodeManifestJson, openManifest, parseManifest, type Manifest, type ManifestPiece } from './manifest.ts';
import { optionalNumber, optionalText } from './metadata.ts';
import { openModelFile, type Parts } from './open-model.ts';
import type { Piece } from './piece.ts';
import { planShards, type ShardPlan } from './plan.ts';
import { quantizationOf } from './quantization.ts';
import { pieceOfModel } from './read-piece.ts';
import { stageFile, vocabularyFile, type StageFile } from './stage-file.ts';
import { treeOfFile } from './verify.ts';
import { hashStage, writeStage, type WriteOptions, type Written } from './write-stage.ts';

export const MANIFEST_FILE = 'manifest.json';
export const MANIFEST_CBOR_FILE = 'manifest.cbor';
export const VOCABULARY_FILE = 'vocabulary.gguf';

export interface ShardProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Index of the shard at work; undefined while the model or the vocabulary is. */
  readonly shard: number | undefined;
}

export interface PlannedPiece {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface CutModelOptions {
  /** Path of the model, of its first part when it lies in several, or a source that the caller closes. */
  readonly model: string | ByteSource;
  /** Gets shards, vocabulary, manifest.json and manifest.cbor. */
  readonly folder: string;
  readonly plan: ShardPlan;
  /** Overrides general.name. */
  readonly modelName?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ShardProgress) => void;
  /** Told of all shards and the vocabulary before the first is written, e.g. to keep room for them; what it throws ends the cut. */
  readonly onPlan?: (files: readonly PlannedPiece[]) => void | Promise<void>;
  /** Told of each shard and the vocabulary when it lies whole and synced on the disk; the next waits for it. */
  readonly onPiece?: (path: string, tree: HashedTree) => void | Promise<void>;
  readonly files?: StoreFiles;
}

/**
 * Cuts a model into shards and describes them. Whole shards that are already
 * there are kept after their hash is checked; everything that can be refused is
 * refused before the first byte is written. Throws GGUF_*, STORE_*, SHARD_*.
 */
export async function cutModel(options: CutModelOptions): Promise<Manifest> {
  try {
    return await openAndCut(options);
  } catch (error) {
    throw options.signal?.aborted === true && !isCoded(error) ? shardErrors.cancelled({ path: options.folder }, error) : error;
  }
}

async function openAndCut(options: CutModelOptions): Promise<Manifest> {
  if (typeof options.model !== 'string') return cutOpened([await openGguf(options.model, signalOf(options))], options);
  const model = await openModelFile(options.model, signalOf(options));
  try {
    return await cutOpened(model.parts, options);
  } finally {
    await model.close();
  }
}

const signalOf = ({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });

/** A shard to be made, or the vocabulary. */
export interface ShardJob {
  readonly fileName: string;
  readonly file: StageFile;
  readonly range: LayerRange | undefined;
}

async function cutOpened(parts: Parts, options: CutModelOptions): Promise<Manifest> {
  const jobs = shardJobs(parts, options.plan);
  await options.onPlan?.(jobs.map(({ fileName, file }) => ({ path: join(options.folder, fileName), sizeBytes: file.layout.sizeBytes })));
  const progress = new Progress(options, jobs.reduce((bytes, job) => bytes + job.file.layout.sizeBytes, sourceBytes(parts)));
  const modelHash = await hashModel(parts, options, progress);
  const known = await knownHashes(options.folder, modelHash);
  const entries: ManifestPiece[] = [];
  for (const [index, job] of jobs.entries()) {
    progress.shard = job.range === undefined ? undefined : index;
    entries.push(await produce(job, { options, progress, known: known.get(job.fileName) }));
  }
  const manifest = describeModel(parts, { modelHash, name: options.modelName, jobs, entries, path: parts[0].source.name });
  await writeManifest(manifest, options);
  return manifest;
}

/** What a model is cut into; the vocabulary is the last. Throws what `pieceOfModel` and `planShards` throw. */
export function shardJobs(parts: Parts, plan: ShardPlan): ShardJob[] {
  const [gguf, ...others] = parts;
  const model = pieceOfModel(gguf, others);
  const shards = planShards(model, plan).map((range, index) => shardJob(model, range, index));
  return [...shards, { fileName: VOCABULARY_FILE, file: vocabularyFile(gguf.metadata), range: undefined }];
}

function shardJob(model: Piece, range: LayerRange, index: number): ShardJob {
  const number = (value: number): string => String(value).padStart(3, '0');
  return { fileName: `shard-${number(index)}-layers-${number(range.first)}-${number(range.last)}.gguf`, file: stageFile(cutPiece(model, range)), range };
}

class Progress {
  shard: number | undefined;
  #bytesDone = 0;
  readonly #bytesTotal: number;
  readonly #report: CutModelOptions['onProgress'];

  constructor(options: CutModelOptions, bytesTotal: number) {
    this.#report = options.onProgress;
    this.#bytesTotal = bytesTotal;
  }

  readonly add = (bytes: number): void => {
    this.#bytesDone += bytes;
    this.#report?.({ bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal, shard: this.shard });
  };
}

const sourceBytes = (parts: Parts): number => parts.reduce((bytes, { source }) => bytes + source.sizeBytes, 0);

// Of parts it is the hash of their bytes one after the other.
async function hashModel(parts: Parts, options: CutModelOptions, progress: Progress): Promise<string> {
  try {
    return await hashSources(parts.map(({ source }) => source), { ...signalOf(options), onBytes: progress.add });
  } catch (error) {
    throw options.signal?.aborted === true ? shardErrors.cancelled({ path: options.folder }, error) : error;
  }
}

// A manifest of an earlier run tells the hashes; a damaged one only costs the time to compute them.
async function knownHashes(folder: string, modelHash: string): Promise<Map<string, string>> {
  const manifest = await openManifest(join(folder, MANIFEST_FILE)).catch((error: unknown) => {
    if (isCoded(error)) return undefined;
    throw error;
  });
  const pieces = manifest?.model_hash === modelHash ? [...manifest.shards, manifest.vocabulary] : [];
  return new Map(pieces.map((piece) => [piece.file_name, piece.blake3_hash]));
}

interface ProduceContext {
  readonly options: CutModelOptions;
  readonly progress: Progress;
  readonly known: string | undefined;
}

async function produce(job: ShardJob, context: ProduceContext): Promise<ManifestPiece> {
  const path = join(context.options.folder, job.fileName);
  const written = await keep(path, job, context) ?? await writeStage(path, job.file, writeOptions(context));
  await context.options.onPiece?.(path, written);
  return { cid: written.cid, size_bytes: written.sizeBytes, blake3_hash: written.hash, file_name: job.fileName };
}

function writeOptions({ options, progress }: ProduceContext): WriteOptions {
  return { ...signalOf(options), files: options.files ?? diskFiles, onBytes: progress.add };
}

async function keep(path: string, job: ShardJob, context: ProduceContext): Promise<Written | undefined> {
  const { sizeBytes } = job.file.layout;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size !== sizeBytes) return undefined;
  try {
    const expected = context.known ?? (await hashStage(job.file, signalOf(context.options))).hash;
    const tree = await treeOfFile(path, signalOf(context.options));
    if (tree.hash !== expected) return undefined;
    context.progress.add(sizeBytes);
    return tree;
  } catch (error) {
    throw context.options.signal?.aborted === true ? shardErrors.cancelled({ path }, error) : error;
  }
}

interface Description {
  readonly modelHash: string;
  /** Overrides general.name. */
  readonly name?: string | undefined;
  readonly jobs: readonly ShardJob[];
  /** One per job. */
  readonly entries: readonly ManifestPiece[];
  /** Of the first file: names a model without a name. */
  readonly path: string;
}

export function describeModel(parts: Parts, { modelHash, name, jobs, entries, path }: Description): Manifest {
  const [gguf, ...others] = parts;
  const model = pieceOfModel(gguf, others);
  const shards = jobs.flatMap(({ range }, index) => (range === undefined ? [] : {
    shard_index: index, ...entries[index], layer_range: [range.first, range.last], includes_embedding: range.first === 0, includes_head: range.last === model.totalLayers - 1,
  }));
  return parseManifest({
    format_version: 2, model_name: (name ?? optionalText(gguf.metadata, 'general.name') ?? basename(path, '.gguf')).toWellFormed().replace(/^\ufeff+/, '').slice(0, 256).toWellFormed() || model.architecture,
    model_hash: modelHash, architecture: model.architecture, total_layers: model.totalLayers, quantization: quantizationOf(parts.flatMap(({ tensors }) => tensors)),
    total_size_bytes: entries.reduce((bytes, entry) => bytes + entry.size_bytes, 0), hidden_size: model.hiddenSize, vocab_size: model.vocabSize,
    context_length: optionalNumber(gguf.metadata, `${model.architecture}.context_length`) ?? 0, shards, vocabulary: entries.at(-1),
  });
}

// The JSON comes last: where it lies, everything that it names is there.
async function writeManifest(manifest: Manifest, { folder, files = diskFiles }: CutModelOptions): Promise<void> {
  await files.writeAtomically(join(folder, MANIFEST_CBOR_FILE), (append) => append(encodeManifestCbor(manifest)));
  await files.writeAtomically(join(folder, MANIFEST_FILE), (append) => append(encodeManifestJson(manifest)));
}
