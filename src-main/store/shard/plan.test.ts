import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferSource, type ByteSource } from '../gguf/source.ts';
import { ggmlTypeByName, type GgmlType } from '../gguf/tensor-types.ts';
import { architectureRule, type ArchitectureRule } from './architectures.ts';
import type { OriginTensor, Piece } from './piece.ts';
import { layerBytes, planShards } from './plan.ts';

const source: ByteSource = bufferSource(new Uint8Array());
const tensor = (sizeBytes: number): OriginTensor => ({ name: 't', dims: [sizeBytes / 4], type: ggmlTypeByName('F32') as GgmlType, sizeBytes, source, offset: 0 });

const piece = (layers: readonly number[], ends = { embedding: 0, head: 0 }): Piece => ({
  architecture: 'llama', rule: architectureRule('llama') as ArchitectureRule, layers: { first: 0, last: layers.length - 1 }, totalLayers: layers.length,
  hiddenSize: 4, vocabSize: 4, metadata: new Map(), windows: undefined, embedding: tensor(ends.embedding), head: { kind: 'own', tensor: tensor(ends.head) },
  tail: [], shared: [], blocks: layers.map((size) => [tensor(size)]),
});

describe('planShards', () => {
  it('covers every layer once, each shard at least one, and is near the ideal size', () => {
    const layers = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 64 });
    fc.assert(fc.property(layers, fc.nat(63), (sizes, pick) => {
      const shards = 1 + (pick % sizes.length);
      const ranges = planShards(piece(sizes), { kind: 'even', shards });
      expect(ranges).toHaveLength(shards);
      expect(ranges.flatMap(({ first, last }) => sizes.slice(first, last + 1))).toEqual(sizes);
      expect(ranges.every(({ first, last }) => last >= first)).toBe(true);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const biggest = Math.max(...ranges.map(({ first, last }) => sizes.slice(first, last + 1).reduce((sum, size) => sum + size, 0)));
      expect(biggest).toBeLessThanOrEqual(total / shards + 2 * Math.max(...sizes) * shards);
    }), { seed: 5 });
  });

  it('counts embedding and head with the ends', () => {
    expect(layerBytes(piece([10, 10, 10], { embedding: 5, head: 7 }))).toEqual([15, 10, 17]);
    expect(planShards(piece([10, 10, 10, 10], { embedding: 20, head: 0 }), { kind: 'even', shards: 2 })).toEqual([{ first: 0, last: 0 }, { first: 1, last: 3 }]);
    expect(planShards(piece(Array<number>(12).fill(10)), { kind: 'even', shards: 3 })).toEqual([{ first: 0, last: 3 }, { first: 4, last: 7 }, { first: 8, last: 11 }]);
  });
});
