import { open, type FileHandle } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { isCoded, type LayerRange } from '../../base/index.ts';
import type { DerivedShard } from '../catalog/index.ts';
import { leafCount, LEAF_BYTES, LeafSet, type HashedTree } from '../dag/index.ts';
import { storeErrors } from '../errors.ts';
import { describeModel, shardJobs, type ShardJob } from '../shard/cut-model.ts';
import { hashDerived, recipeOf, type Recipe } from '../shard/derive.ts';
import type { Manifest, ManifestPiece } from '../shard/manifest.ts';
import type { Parts } from '../shard/open-model.ts';
import { partialPath } from './download/partial-file.ts';

/** Where the shards of a model are noted that can be given to others out of its files. */
export interface PieceShelf {
  derive(shard: DerivedShard): void;
  /** Nothing that has bytes of this file may be given any more. */
  withdraw(path: string): void;
}

export interface ReadyPiece {
  readonly cid: string;
  readonly sizeBytes: number;
  /** Undefined for the vocabulary. */
  readonly layers: LayerRange | undefined;
}

export interface ModelPiecesInit {
  /** The headers of all files; their bytes are not read from here. */
  readonly parts: Parts;
  /** Where each file lies, or will lie when it is whole. */
  readonly paths: readonly string[];
  readonly shelf: PieceShelf;
  readonly onPiece?: (piece: ReadyPiece) => void;
}

interface Piece {
  readonly job: ShardJob;
  readonly recipe: Recipe;
  /** Leaves of the model's files that it has bytes of and that have not come yet. */
  missing: number;
  tree?: HashedTree;
}

/**
 * The shards of a model while its files arrive: one per layer, as `omninode shard` cuts. The headers come first, so it is
 * known which bytes each needs; as soon as they are there it is hashed out of the unfinished file and can be given to
 * others. Nothing is written: a shard is its header and where its tensors lie.
 */
export class ModelPieces {
  readonly #init: ModelPiecesInit;
  readonly #pieces: readonly Piece[];
  readonly #present: readonly LeafSet[];
  /** By file and leaf, the pieces that wait for it. */
  readonly #waiting: readonly ReadonlyMap<number, readonly Piece[]>[];
  readonly #files = new Map<string, FileHandle>();
  readonly #isOver = new AbortController();
  #hashing: Promise<void> = Promise.resolve();
  #isBegun = false;
  #failure: unknown;

  private constructor(init: ModelPiecesInit, jobs: readonly ShardJob[]) {
    this.#init = init;
    const sources = new Map(init.parts.map(({ source }, index) => [source, init.paths[index] ?? '']));
    this.#pieces = jobs.map((job) => ({ job, recipe: recipeOf(job.file, (source) => sources.get(source) ?? ''), missing: 0 }));
    this.#present = init.parts.map(({ source }) => new LeafSet(leafCount(source.sizeBytes)));
    this.#waiting = init.paths.map((path) => this.#waitingFor(path));
  }

  /** Undefined for a model that cannot be cut. */
  static of(init: ModelPiecesInit): ModelPieces | undefined {
    try {
      return new ModelPieces(init, shardJobs(init.parts, { kind: 'per-layer' }));
    } catch (error) {
      if (isCoded(error) && (error.code.startsWith('SHARD_') || error.code.startsWith('GGUF_'))) return undefined;
      throw error;
    }
  }

  /** A leaf of file `part` (counted from 0) lies on the disk. */
  arrived(part: number, leaf: number): void {
    if (this.#present[part]?.has(leaf) !== false) return;
    this.#present[part].add(leaf);
    if (!this.#isBegun) for (const piece of this.#pieces) if (piece.missing === 0) this.#ready(piece);
    this.#isBegun = true;
    for (const piece of this.#waiting[part]?.get(leaf) ?? []) if (--piece.missing === 0) this.#ready(piece);
  }

  whole(part: number): void {
    for (const leaf of [...this.#present[part]?.missing() ?? []]) this.arrived(part, leaf);
  }

  /** What has bytes of the file is not given any more. No piece comes after. */
  async withdraw(path: string): Promise<void> {
    this.#isOver.abort();
    this.#init.shelf.withdraw(path);
    await this.close();
  }

  /** All files are whole: the description of the model. `modelHash` is the BLAKE3 of their bytes. Throws STORE_READ_FAILED, the signal's reason. */
  async manifest(modelHash: string): Promise<Manifest> {
    await this.#hashing;
    if (this.#failure !== undefined) throw this.#failure;
    const jobs = this.#pieces.map(({ job }) => job);
    const entries = this.#pieces.map(({ job, tree }): ManifestPiece => ({ cid: tree?.cid ?? '', size_bytes: tree?.sizeBytes ?? 0, blake3_hash: tree?.hash ?? '', file_name: job.fileName }));
    return describeModel(this.#init.parts, { modelHash, jobs, entries, path: this.#init.paths[0] ?? '' });
  }

  /** Waits for what is being hashed. */
  async close(): Promise<void> {
    await this.#hashing;
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  #waitingFor(path: string): Map<number, Piece[]> {
    const waiting = new Map<number, Piece[]>();
    for (const piece of this.#pieces) {
      const leaves = new Set<number>();
      for (const range of piece.recipe.ranges) {
        if (!('path' in range) || range.path !== path || range.sizeBytes === 0) continue;
        const last = Math.floor((range.offset + range.sizeBytes - 1) / LEAF_BYTES);
        for (let leaf = Math.floor(range.offset / LEAF_BYTES); leaf <= last; leaf++) leaves.add(leaf);
      }
      piece.missing += leaves.size;
      for (const leaf of leaves) waiting.set(leaf, [...waiting.get(leaf) ?? [], piece]);
    }
    return waiting;
  }

  // One after the other: memory is one buffer, and the download has the rest of the processor.
  #ready(piece: Piece): void {
    this.#hashing = this.#hashing.then(() => this.#hash(piece)).catch((error: unknown) => { this.#failure ??= error; });
  }

  async #hash(piece: Piece): Promise<void> {
    const { signal } = this.#isOver;
    if (signal.aborted) return;
    const { job, recipe } = piece;
    const tree = await hashDerived(recipe, (path, into, offset) => this.#read(path, into, offset), signal);
    if (signal.aborted) return;
    piece.tree = tree;
    this.#init.shelf.derive({ tree, header: recipe.header, ranges: recipe.ranges, modelPath: this.#init.paths[0] ?? '' });
    this.#init.onPiece?.({ cid: tree.cid, sizeBytes: tree.sizeBytes, layers: job.range });
  }

  async #read(path: string, into: Uint8Array, offset: number): Promise<void> {
    const file = this.#files.get(path) ?? await open(existsSync(partialPath(path)) ? partialPath(path) : path, 'r');
    this.#files.set(path, file);
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw storeErrors.readFailed({ name: path, offset: offset + done });
      done += bytesRead;
    }
  }
}
