import type { LayerRange } from '../../base/index.ts';
import type { ByteSource } from '../gguf/source.ts';
import type { GgmlType } from '../gguf/tensor-types.ts';
import type { GgufMetadata, GgufValue } from '../gguf/values.ts';
import type { ArchitectureRule } from './architectures.ts';

/** A tensor and where its bytes lie. */
export interface OriginTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: GgmlType;
  readonly sizeBytes: number;
  readonly source: ByteSource;
  /** From the start of the source. */
  readonly offset: number;
}

export interface Head {
  /** `tied`: the embedding is the head. `own`: the model has an output.weight. */
  readonly kind: 'tied' | 'own';
  readonly tensor: OriginTensor;
}

/**
 * A contiguous part of a model, free of file details: what a model is cut into
 * and what shards are joined from. Writing a piece is a function of this value
 * only, so cutting a range and joining its shards give the same bytes.
 */
export interface Piece {
  readonly architecture: string;
  readonly rule: ArchitectureRule;
  readonly layers: LayerRange;
  readonly totalLayers: number;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  /** Without vocabulary and stage keys; block_count and per-layer arrays are those of `layers`. */
  readonly metadata: GgufMetadata;
  /** Per layer: true = sliding window. Undefined where the architecture has none. */
  readonly windows: readonly boolean[] | undefined;
  readonly embedding: OriginTensor | undefined;
  readonly head: Head | undefined;
  readonly tail: readonly OriginTensor[];
  readonly shared: readonly OriginTensor[];
  /** Per layer, names without `blk.N.`. */
  readonly blocks: readonly (readonly OriginTensor[])[];
}

/** Replaces values in place, so that the order of keys stays that of the model. */
export function withValues(metadata: GgufMetadata, values: Iterable<readonly [string, GgufValue]>): GgufMetadata {
  const copy = new Map(metadata);
  for (const [key, value] of values) copy.set(key, value);
  return copy;
}
