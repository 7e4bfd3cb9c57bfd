import { optionalNumber } from './metadata.ts';
import type { Piece } from './piece.ts';

/**
 * Values that one token adds to the KV cache, per layer: as many as the layer's key and value projections give. Where one
 * tensor projects queries, keys and values together (phi3), the model's head counts say it.
 */
export function kvValuesPerToken(piece: Piece): number[] {
  const byHeads = fromHeads(piece);
  return piece.blocks.map((block) => {
    const width = (name: string): number => block.find((tensor) => tensor.name.endsWith(`${name}.weight`))?.dims[1] ?? 0;
    const [keys, values] = [width('attn_k'), width('attn_v')];
    return keys > 0 && values > 0 ? keys + values : byHeads;
  });
}

function fromHeads({ architecture, metadata, hiddenSize }: Piece): number {
  const key = (name: string): number | undefined => optionalNumber(metadata, `${architecture}.attention.${name}`);
  const heads = key('head_count') ?? 1;
  const width = hiddenSize / heads;
  return (key('head_count_kv') ?? heads) * ((key('key_length') ?? width) + (key('value_length') ?? width));
}
