import type { ByteSource } from '../gguf/source.ts';
import { TreeHasher, type HashedTree } from '../dag/index.ts';
import type { StageFile } from './stage-file.ts';
import { COPY_BYTES } from './digest.ts';

/** Bytes of a shard that are copied out of a model's file, or one word repeated. What no range covers is zeros. */
export type DerivedRange =
  | { readonly at: number; readonly sizeBytes: number; readonly path: string; readonly offset: number }
  | { readonly at: number; readonly sizeBytes: number; readonly word: number };

/** What a stage file consists of, without its bytes: its header, and where each tensor's bytes lie. */
export interface Recipe {
  readonly sizeBytes: number;
  readonly header: Uint8Array;
  readonly ranges: readonly DerivedRange[];
}

/** `pathOf` says where the file of a source lies or will lie. */
export function recipeOf({ layout, fills }: StageFile, pathOf: (source: ByteSource) => string): Recipe {
  const ranges = layout.tensors.map(({ offset, sizeBytes }, index): DerivedRange => {
    const [at, fill] = [layout.header.length + offset, fills[index]];
    if (fill?.kind === 'copy') return { at, sizeBytes, path: pathOf(fill.from.source), offset: fill.from.offset };
    return { at, sizeBytes, word: fill?.word ?? 0 };
  });
  return { sizeBytes: layout.sizeBytes, header: layout.header, ranges };
}

export type ReadAt = (path: string, into: Uint8Array, offset: number) => Promise<void>;

/** Bytes `start` and on of a shard into `into`, all of it. `read` fills a buffer out of a file. */
export async function readDerived({ header, ranges }: Pick<Recipe, 'header' | 'ranges'>, start: number, { into, read }: { readonly into: Uint8Array; readonly read: ReadAt }): Promise<void> {
  const end = start + into.length;
  into.fill(0);
  if (start < header.length) into.set(header.subarray(start, Math.min(end, header.length)));
  for (let index = firstAfter(ranges, start); index < ranges.length; index++) {
    const range = ranges[index];
    if (range === undefined || range.at >= end) return;
    const [from, to] = [Math.max(start, range.at), Math.min(end, range.at + range.sizeBytes)];
    const part = into.subarray(from - start, to - start);
    if ('path' in range) await read(range.path, part, range.offset + from - range.at);
    else fillWord(part, range.word, from - range.at);
  }
}

/** The first range that does not end before `start`. */
function firstAfter(ranges: readonly DerivedRange[], start: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range !== undefined && range.at + range.sizeBytes <= start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fillWord(bytes: Uint8Array, word: number, phase: number): void {
  if (word === 0) return;
  for (let index = 0; index < bytes.length; index++) bytes[index] = (word >>> (8 * ((phase + index) & 3))) & 0xff;
}

/** The tree of a shard that nobody wrote. Memory: one piece of 8 MiB. */
export async function hashDerived(recipe: Recipe, read: ReadAt, signal?: AbortSignal): Promise<HashedTree> {
  const hasher = new TreeHasher(recipe.sizeBytes);
  const buffer = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, recipe.sizeBytes));
  for (let at = 0; at < recipe.sizeBytes; at += buffer.length) {
    signal?.throwIfAborted();
    const into = buffer.subarray(0, Math.min(buffer.length, recipe.sizeBytes - at));
    await readDerived(recipe, at, { into, read });
    hasher.update(into);
  }
  return hasher.finish();
}
