import { bool, str, u32, type GgufMetadata, type GgufValue } from '../gguf/values.ts';
import { F32_TYPE, ggmlTypeByName, tensorBytes } from '../gguf/tensor-types.ts';
import { layoutGguf, type GgufLayout, type TensorSpec } from '../gguf/writer.ts';
import type { OriginTensor, Piece } from './piece.ts';
import { SHARD_KEYS } from './shard-keys.ts';
import { windowMetadata } from './windowless.ts';

/** Bytes of a tensor: copied from where they lie, or one repeated little-endian word. */
export type Fill = { readonly kind: 'copy'; readonly from: OriginTensor } | { readonly kind: 'repeat'; readonly word: number };

export interface StageFile {
  readonly layout: GgufLayout;
  /** One per tensor of the layout. */
  readonly fills: readonly Fill[];
}

interface Entry {
  readonly spec: TensorSpec;
  readonly fill: Fill;
}

/**
 * The file that stock llama.cpp loads as a model of just these layers. What a
 * stage does not have is there as a dummy, because the loader insists:
 * a middle stage gets a vocabulary of one zero row and a norm of ones. A last
 * stage carries the head under the embedding's name, which the loader falls back
 * to when output.weight is absent, so no unused embedding is stored.
 */
export function stageFile(piece: Piece): StageFile {
  const blocks = piece.blocks.flatMap((block, index) => block.map((tensor) => copy(tensor, `blk.${index}.${tensor.name}`)));
  const tail = piece.tail.length > 0 ? piece.tail.map((tensor) => copy(tensor)) : [ones('output_norm.weight', piece.hiddenSize)];
  const entries = [embeddingEntry(piece), ...piece.shared.map((tensor) => copy(tensor)), ...blocks, ...tail, ...headEntry(piece)];
  return { layout: layoutGguf(stageMetadata(piece), entries.map((entry) => entry.spec)), fills: entries.map((entry) => entry.fill) };
}

function embeddingEntry(piece: Piece): Entry {
  if (piece.embedding !== undefined) return copy(piece.embedding);
  if (piece.head !== undefined && !piece.rule.headRequired) return copy(piece.head.tensor, 'token_embd.weight');
  return zeros('token_embd.weight', piece);
}

function headEntry(piece: Piece): Entry[] {
  if (piece.head?.kind === 'own' && (piece.embedding !== undefined || piece.rule.headRequired)) return [copy(piece.head.tensor)];
  return piece.head === undefined && piece.rule.headRequired ? [zeros('output.weight', piece)] : [];
}

const copy = (tensor: OriginTensor, name = tensor.name): Entry => ({ spec: { name, dims: tensor.dims, type: tensor.type }, fill: { kind: 'copy', from: tensor } });

const ones = (name: string, size: number): Entry => ({ spec: { name, dims: [size], type: F32_TYPE }, fill: { kind: 'repeat', word: 0x3f800000 } });

// Where the loader wants both ends of the vocabulary (gpt-oss), the end that is not used is zeros in the smallest type that fits a row.
const ZERO_TYPES = ['Q1_0', 'Q2_0', 'Q4_0', 'F16'].flatMap((name) => ggmlTypeByName(name) ?? []);

function zeros(name: string, piece: Piece): Entry {
  const rows = stageVocabSize(piece);
  const small = ZERO_TYPES.find((type) => tensorBytes(type, [piece.hiddenSize, rows]) !== undefined) ?? F32_TYPE;
  return { spec: { name, dims: [piece.hiddenSize, rows], type: rows === 1 ? F32_TYPE : small }, fill: { kind: 'repeat', word: 0 } };
}

const stageVocabSize = (piece: Piece): number => (piece.embedding === undefined && piece.head === undefined ? 1 : piece.vocabSize);

function stageMetadata(piece: Piece): GgufMetadata {
  return new Map<string, GgufValue>([
    ...windowMetadata(piece), [`${piece.architecture}.vocab_size`, u32(stageVocabSize(piece))], ['tokenizer.ggml.model', str('no_vocab')],
    [SHARD_KEYS.format, u32(1)], [SHARD_KEYS.firstLayer, u32(piece.layers.first)], [SHARD_KEYS.lastLayer, u32(piece.layers.last)],
    [SHARD_KEYS.totalLayers, u32(piece.totalLayers)], [SHARD_KEYS.vocabSize, u32(piece.vocabSize)],
    [SHARD_KEYS.embedding, bool(piece.embedding !== undefined)], [SHARD_KEYS.head, str(piece.head?.kind ?? 'none')],
  ]);
}

/** The model's metadata with its vocabulary and no tensors: loads in llama.cpp as vocabulary only. */
export function vocabularyFile(metadata: GgufMetadata): StageFile {
  const kept = [...metadata].filter(([key]) => !key.startsWith('split.'));
  return { layout: layoutGguf(new Map(kept), []), fills: [] };
}
