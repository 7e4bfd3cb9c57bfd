import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { shardErrors } from '../errors.ts';
import { partsOf } from '../gguf/parts.ts';
import { openGguf, type Gguf, type OpenGgufOptions } from '../gguf/reader.ts';
import { fileSource } from '../gguf/source.ts';
import type { Piece } from './piece.ts';
import { pieceOfModel } from './read-piece.ts';

/** The files of a model, in order; one for most. The first has the metadata. */
export type Parts = readonly [Gguf, ...Gguf[]];

export interface OpenModel {
  readonly parts: Parts;
  /** Throws what `pieceOfModel` throws. */
  piece(): Piece;
  close(): Promise<void>;
}

/** The files of the model that `path` names or is a part of. Throws SHARD_SPLIT_MODEL when one is missing. */
export async function modelFiles(path: string): Promise<readonly [string, ...string[]]> {
  const [first = path, ...others] = partsOf(basename(path)).map((name) => join(dirname(path), name));
  for (const part of others.length === 0 ? [] : [first, ...others]) {
    if ((await stat(part).catch(() => undefined))?.isFile() !== true) throw shardErrors.splitModel({ name: path });
  }
  return [first, ...others];
}

/** Opens a model, with all its parts where it lies in several files. Throws STORE_READ_FAILED, SHARD_SPLIT_MODEL, GGUF_*. */
export async function openModelFile(path: string, options: OpenGgufOptions = {}): Promise<OpenModel> {
  const opened: Gguf[] = [];
  const close = async (): Promise<void> => { for (const { source } of opened) await source.close(); };
  try {
    const [first, ...others] = await modelFiles(path);
    const parts: Parts = [await openInto(opened, first, options), ...await Promise.all(others.map((other) => openInto(opened, other, options)))];
    return { parts, piece: () => pieceOfModel(parts[0], parts.slice(1)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openInto(opened: Gguf[], path: string, options: OpenGgufOptions): Promise<Gguf> {
  const source = await fileSource(path);
  try {
    const gguf = await openGguf(source, options);
    opened.push(gguf);
    return gguf;
  } catch (error) {
    await source.close();
    throw error;
  }
}
