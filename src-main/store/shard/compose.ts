import type { LayerRange } from '../../base/index.ts';
import { openGguf } from '../gguf/reader.ts';
import { fileSource, type ByteSource } from '../gguf/source.ts';
import { cutPiece, joinPieces } from './cut-join.ts';
import { openModelFile } from './open-model.ts';
import { pieceOfShard } from './read-piece.ts';
import { stageFile } from './stage-file.ts';
import { writeStage, type WriteOptions, type Written } from './write-stage.ts';

export interface ComposeStageOptions extends WriteOptions {
  /** Neighbouring shards, in order. */
  readonly shards: readonly string[];
  /** Written only when there is more than one shard. */
  readonly outputPath: string;
}

export interface Stage {
  /** The stage file: the shard itself when there is only one. */
  readonly path: string;
  readonly layers: LayerRange;
  /** Undefined when the shard is used as it is. */
  readonly written: Written | undefined;
}

/** One stage file from whole shards; the same bytes as cutting that range out of the model. Throws SHARD_*, GGUF_*, STORE_*. */
export async function composeStage(options: ComposeStageOptions): Promise<Stage> {
  const sources: ByteSource[] = [];
  try {
    for (const path of options.shards) sources.push(await fileSource(path));
    const piece = joinPieces(await Promise.all(sources.map(async (source) => pieceOfShard(await openGguf(source)))));
    const [only, second] = options.shards;
    if (only !== undefined && second === undefined) return { path: only, layers: piece.layers, written: undefined };
    return { path: options.outputPath, layers: piece.layers, written: await writeStage(options.outputPath, stageFile(piece), options) };
  } finally {
    for (const source of sources) await source.close();
  }
}

export interface CutStageOptions extends WriteOptions {
  readonly model: string;
  readonly layers: LayerRange;
  readonly outputPath: string;
}

/** One stage file straight from a model. Throws SHARD_*, GGUF_*, STORE_*. */
export async function cutStage(options: CutStageOptions): Promise<Stage> {
  const model = await openModelFile(options.model);
  try {
    const piece = cutPiece(model.piece(), options.layers);
    return { path: options.outputPath, layers: piece.layers, written: await writeStage(options.outputPath, stageFile(piece), options) };
  } finally {
    await model.close();
  }
}
