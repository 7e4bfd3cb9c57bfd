import { isCoded } from '../../base/index.ts';
import type { GgufMetadata } from '../gguf/values.ts';
import { kvValuesPerToken } from '../shard/kv-size.ts';
import { optionalNumber, optionalText, requiredText } from '../shard/metadata.ts';
import type { Manifest } from '../shard/manifest.ts';
import type { Parts } from '../shard/open-model.ts';
import { layerBytes, planShards } from '../shard/plan.ts';
import { quantizationOf } from '../shard/quantization.ts';
import { pieceOfModel } from '../shard/read-piece.ts';

/** What a model's header tells of what it takes. */
export interface ModelFacts {
  readonly name?: string;
  readonly architecture: string;
  /** Type of most of the weights' bytes. */
  readonly quantization: string;
  readonly layers: number;
  /** Context that it was trained for; absent when the header has none. */
  readonly trainedTokens?: number;
  /** Of all tensors. */
  readonly weightBytes: number;
  /** F16, over all layers. */
  readonly kvBytesPerToken: number;
  /** Weights and KV cache of each layer, embedding and head counted with the ends; absent for a model that cannot be split over peers. */
  readonly split?: readonly { readonly weightBytes: number; readonly kvBytesPerToken: number }[];
}

const F16_BYTES = 2;

/** Reads the facts out of the headers of all files of a model. Throws GGUF_MISSING_KEY and, for parts that do not belong together, SHARD_SPLIT_MODEL. */
export function modelFacts(parts: Parts): ModelFacts {
  const [{ metadata }] = parts;
  const architecture = requiredText(metadata, 'general.architecture');
  const layers = optionalNumber(metadata, `${architecture}.block_count`) ?? 0;
  const tensors = parts.flatMap((part) => part.tensors);
  const [name, trainedTokens] = [optionalText(metadata, 'general.name'), optionalNumber(metadata, `${architecture}.context_length`)];
  const split = splitFacts(parts);
  return {
    ...(name === undefined ? {} : { name: name.slice(0, 256) }), architecture, quantization: quantizationOf(tensors), layers,
    ...(trainedTokens === undefined ? {} : { trainedTokens }),
    weightBytes: tensors.reduce((bytes, tensor) => bytes + tensor.sizeBytes, 0),
    kvBytesPerToken: split?.reduce((bytes, layer) => bytes + layer.kvBytesPerToken, 0) ?? layers * kvBytesByHeads(metadata, architecture),
    ...(split === undefined ? {} : { split }),
  };
}

function splitFacts([first, ...others]: Parts): ModelFacts['split'] {
  try {
    const piece = pieceOfModel(first, others);
    planShards(piece, { kind: 'per-layer' });
    const values = kvValuesPerToken(piece);
    return layerBytes(piece).map((weightBytes, layer) => ({ weightBytes, kvBytesPerToken: (values[layer] ?? 0) * F16_BYTES }));
  } catch (error) {
    // Other architectures run whole; damaged or incomplete models do not run at all.
    if (isCoded(error) && ['SHARD_UNSUPPORTED_ARCHITECTURE', 'SHARD_CUT_NOT_ALLOWED', 'SHARD_UNKNOWN_TENSOR', 'SHARD_MISSING_TENSOR', 'SHARD_ALREADY_SHARD'].includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * Of a model of which only shards are here: the manifest tells the weights, shared out evenly among the layers of a shard; `metadata`, of its
 * vocabulary or any shard, what a token takes. An upper bound where some layers see only a window.
 */
export function cutFacts({ model_name: name, architecture, quantization, total_layers: layers, total_size_bytes: weightBytes, context_length: trainedTokens, shards }: Manifest, metadata: GgufMetadata): ModelFacts {
  const kvBytesPerToken = kvBytesByHeads(metadata, architecture);
  const split = shards.flatMap(({ layer_range: [first, last], size_bytes: bytes }) => {
    const count = last - first + 1;
    return Array.from({ length: count }, () => ({ weightBytes: bytes / count, kvBytesPerToken }));
  });
  return { name, architecture, quantization, layers, ...(trainedTokens === 0 ? {} : { trainedTokens }), weightBytes, kvBytesPerToken: layers * kvBytesPerToken, split };
}

/** Of one layer with full attention: what other kinds take is less. */
function kvBytesByHeads(metadata: GgufMetadata, architecture: string): number {
  const key = (name: string): number | undefined => optionalNumber(metadata, `${architecture}.attention.${name}`);
  const heads = key('head_count') ?? 0;
  const width = heads === 0 ? 0 : (optionalNumber(metadata, `${architecture}.embedding_length`) ?? 0) / heads;
  return (key('head_count_kv') ?? heads) * ((key('key_length') ?? width) + (key('value_length') ?? width)) * F16_BYTES;
}
