import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CodedError } from '../../base/index.ts';
import { TreeHasher, type HashedTree } from '../dag/index.ts';
import { shardErrors } from '../errors.ts';
import { diskFiles, type StoreFiles } from '../ports.ts';
import { COPY_BYTES } from './digest.ts';
import type { Fill, StageFile } from './stage-file.ts';

export interface WriteOptions {
  readonly signal?: AbortSignal;
  readonly files?: StoreFiles;
  /** Called for every piece that was written. */
  readonly onBytes?: (bytes: number) => void;
}

/** What lies on the disk now, with all that is needed to check and to serve it. */
export type Written = HashedTree;

/**
 * Writes a stage file: temp file, fsync, rename; hashed on the way. Memory is one
 * piece of 8 MiB whatever the size. Throws SHARD_DISK_FULL, SHARD_WRITE_FAILED,
 * SHARD_CANCELLED, STORE_READ_FAILED; then no file is left.
 */
export async function writeStage(path: string, file: StageFile, options: WriteOptions = {}): Promise<Written> {
  const { files = diskFiles } = options;
  const hasher = new TreeHasher(file.layout.sizeBytes);
  try {
    await reserve(path, file.layout.sizeBytes, files);
    await files.writeAtomically(path, async (append) => {
      for await (const bytes of stageBytes(file, options.signal)) {
        hasher.update(bytes);
        await append(bytes);
        options.onBytes?.(bytes.length);
      }
    });
  } catch (error) {
    throw writeError(error, { path, needBytes: file.layout.sizeBytes, signal: options.signal });
  }
  return hasher.finish();
}

/** What writing would give, without writing. */
export async function hashStage(file: StageFile, options: WriteOptions = {}): Promise<HashedTree> {
  const hasher = new TreeHasher(file.layout.sizeBytes);
  for await (const bytes of stageBytes(file, options.signal)) {
    hasher.update(bytes);
    options.onBytes?.(bytes.length);
  }
  return hasher.finish();
}

async function reserve(path: string, needBytes: number, files: StoreFiles): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (await files.freeBytes(dirname(path)) < needBytes) throw shardErrors.diskFull({ path, needBytes });
}

function writeError(error: unknown, at: { path: string; needBytes: number; signal: AbortSignal | undefined }): unknown {
  if (at.signal?.aborted === true) return shardErrors.cancelled({ path: at.path }, error);
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? shardErrors.diskFull(at, error) : shardErrors.writeFailed({ path: at.path }, error);
}

// The yielded buffer is reused: the consumer must be done with it before it asks for the next.
async function* stageBytes({ layout, fills }: StageFile, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const into = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, Math.max(1, ...layout.tensors.map((tensor) => tensor.sizeBytes))));
  yield layout.header;
  for (const [index, tensor] of layout.tensors.entries()) {
    const fill = fills[index];
    if (fill !== undefined) yield* tensorPieces(fill, tensor.sizeBytes, { into, signal });
    const padding = (layout.alignment - (tensor.sizeBytes % layout.alignment)) % layout.alignment;
    if (padding > 0) yield Buffer.alloc(padding);
  }
}

async function* tensorPieces(fill: Fill, sizeBytes: number, reuse: { into: Buffer; signal: AbortSignal | undefined }): AsyncIterable<Uint8Array> {
  const { into, signal } = reuse;
  if (fill.kind === 'repeat') fillWords(into, fill.word);
  for (let at = 0; at < sizeBytes; at += into.length) {
    signal?.throwIfAborted();
    const length = Math.min(into.length, sizeBytes - at);
    if (fill.kind === 'repeat') yield into.subarray(0, length);
    else yield await fill.from.source.read(fill.from.offset + at, length, signal === undefined ? { into } : { into, signal });
  }
}

function fillWords(bytes: Buffer, word: number): void {
  const one = Buffer.alloc(4);
  one.writeUInt32LE(word);
  bytes.fill(one);
}
