import { layerCount, type LayerRange } from '../../base/index.ts';
import { shardErrors } from '../errors.ts';
import { VALUE_BYTES, u32, type GgufArray, type GgufMetadata, type GgufValue } from '../gguf/values.ts';
import { keepsMeaning, PER_LAYER_KEYS } from './architectures.ts';
import { optionalNumber } from './metadata.ts';
import { withValues, type Piece } from './piece.ts';

const perLayerKeys = (architecture: string): string[] => PER_LAYER_KEYS.map((key) => `${architecture}.${key}`);

/** Part of a piece. Throws SHARD_BAD_RANGE, or SHARD_CUT_NOT_ALLOWED when llama.cpp would compute the part differently. */
export function cutPiece(piece: Piece, range: LayerRange): Piece {
  checkRange(piece, range);
  const from = range.first - piece.layers.first;
  const to = from + layerCount(range);
  const isFirst = range.first === 0;
  const isLast = range.last === piece.totalLayers - 1;
  return {
    ...piece, layers: range, metadata: cutMetadata(piece, from, to), windows: piece.windows?.slice(from, to), blocks: piece.blocks.slice(from, to),
    embedding: isFirst ? piece.embedding : undefined, head: isLast ? piece.head : undefined, tail: isLast ? piece.tail : [],
  };
}

function checkRange(piece: Piece, range: LayerRange): void {
  const { first, last } = range;
  const inside = Number.isInteger(first) && Number.isInteger(last) && first >= piece.layers.first && first <= last && last <= piece.layers.last;
  if (!inside) throw shardErrors.badRange({ first, last, have: `${piece.layers.first}-${piece.layers.last}` });
  if (!mayCut(piece, range)) throw shardErrors.cutNotAllowed({ architecture: piece.architecture, layers: piece.totalLayers, first, last });
}

/** Whether this range computes the same in a file of its own. */
export function mayCut(piece: Piece, range: LayerRange): boolean {
  const key = (name: string): number | undefined => optionalNumber(piece.metadata, `${piece.architecture}.${name}`);
  const heads = key('attention.head_count') ?? 1;
  const headSize = key('attention.key_length') ?? Math.floor(piece.hiddenSize / heads);
  return keepsMeaning(piece.rule, { totalLayers: piece.totalLayers, hiddenSize: piece.hiddenSize, heads, headSize }, range);
}

function cutMetadata(piece: Piece, from: number, to: number): GgufMetadata {
  const values: [string, GgufValue][] = [[`${piece.architecture}.block_count`, u32(to - from)]];
  for (const key of perLayerKeys(piece.architecture)) {
    const value = piece.metadata.get(key);
    if (value?.type === 'array') values.push([key, sliceArray(key, value, { from, to, layers: layerCount(piece.layers) })]);
  }
  return withValues(piece.metadata, values);
}

function sliceArray(key: string, value: GgufArray, cut: { from: number; to: number; layers: number }): GgufArray {
  const itemBytes = VALUE_BYTES[value.itemType];
  if (itemBytes === undefined || value.length !== cut.layers) throw shardErrors.badPattern({ key, layers: cut.layers, items: value.length });
  return { ...value, length: cut.to - cut.from, bytes: value.bytes.subarray(cut.from * itemBytes, cut.to * itemBytes) };
}

/** Joins neighbouring pieces of one model, in order. Throws SHARD_NOT_ADJACENT. */
export function joinPieces(pieces: readonly Piece[]): Piece {
  const [first, ...rest] = pieces;
  if (first === undefined) throw shardErrors.notAdjacent({ before: 'nothing', after: 'nothing' });
  return rest.reduce(joinTwo, first);
}

function joinTwo(a: Piece, b: Piece): Piece {
  const sameModel = a.architecture === b.architecture && a.totalLayers === b.totalLayers && a.hiddenSize === b.hiddenSize && a.vocabSize === b.vocabSize;
  if (!sameModel || a.layers.last + 1 !== b.layers.first) throw shardErrors.notAdjacent({ before: label(a), after: label(b) });
  const layers = { first: a.layers.first, last: b.layers.last };
  if (!mayCut(a, layers)) throw shardErrors.cutNotAllowed({ architecture: a.architecture, layers: a.totalLayers, ...layers });
  const windows = a.windows === undefined || b.windows === undefined ? undefined : [...a.windows, ...b.windows];
  return { ...a, layers, metadata: joinMetadata(a, b), windows, blocks: [...a.blocks, ...b.blocks], head: b.head, tail: b.tail };
}

const label = (piece: Piece): string => `${piece.architecture} ${piece.layers.first}-${piece.layers.last} of ${piece.totalLayers}`;

function joinMetadata(a: Piece, b: Piece): GgufMetadata {
  const values: [string, GgufValue][] = [[`${a.architecture}.block_count`, u32(layerCount(a.layers) + layerCount(b.layers))]];
  for (const key of perLayerKeys(a.architecture)) {
    const left = a.metadata.get(key);
    const right = b.metadata.get(key);
    if (left?.type === 'array' && right?.type === 'array') values.push([key, { ...left, length: left.length + right.length, bytes: Buffer.concat([left.bytes, right.bytes]) }]);
  }
  return withValues(a.metadata, values);
}
