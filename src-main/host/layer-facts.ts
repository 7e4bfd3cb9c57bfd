import type { LayerFacts } from '../pipeline/index.ts';
import { fileSource, kvValuesPerToken, layerBytes, openGguf, pieceOfModel, type Piece } from '../store/index.ts';

const F16_BYTES = 2;

/** What each layer of a model costs, out of its file's header. */
export async function layerFactsOf(path: string): Promise<LayerFacts[]> {
  const source = await fileSource(path);
  try {
    return layerFacts(pieceOfModel(await openGguf(source)));
  } finally {
    await source.close();
  }
}

export function layerFacts(piece: Piece): LayerFacts[] {
  const kvValues = kvValuesPerToken(piece);
  return layerBytes(piece).map((weightBytes, layer) => {
    // Of the embedding one row is read for a token.
    const readBytes = weightBytes - (layer === 0 ? (piece.embedding?.sizeBytes ?? 0) : 0);
    return {
      weightBytes, readBytes, kvBytesPerToken: (kvValues[layer] ?? 0) * F16_BYTES, activationBytes: piece.hiddenSize * F16_BYTES,
      // Nodes tell their speed in weights times tokens: every weight takes part in as many operations as any other.
      flops: readBytes,
    };
  });
}
