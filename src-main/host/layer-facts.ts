import { rowBytes, type ActivationDtype } from '../inference/index.ts';
import type { LayerFacts } from '../pipeline/index.ts';
import { kvValuesPerToken, layerBytes, openModelFile, type Piece } from '../store/index.ts';

const F16_BYTES = 2;

/** What each layer of a model costs, out of its file's header; `dtype`: of hidden states in transit. */
export async function layerFactsOf(path: string, dtype: ActivationDtype): Promise<LayerFacts[]> {
  const model = await openModelFile(path);
  try {
    return layerFacts(model.piece(), dtype);
  } finally {
    await model.close();
  }
}

export function layerFacts(piece: Piece, dtype: ActivationDtype): LayerFacts[] {
  const kvValues = kvValuesPerToken(piece);
  return layerBytes(piece).map((weightBytes, layer) => {
    // Of the embedding one row is read for a token.
    const readBytes = weightBytes - (layer === 0 ? (piece.embedding?.sizeBytes ?? 0) : 0);
    return {
      weightBytes, readBytes, kvBytesPerToken: (kvValues[layer] ?? 0) * F16_BYTES, activationBytes: rowBytes(dtype, piece.hiddenSize),
      // Nodes tell their speed in weights times tokens: every weight takes part in as many operations as any other.
      flops: readBytes,
    };
  });
}
