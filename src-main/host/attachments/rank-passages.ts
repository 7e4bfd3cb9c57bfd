import type { EmbeddingService } from '../../api/index.ts';
import { isCoded } from '../../base/index.ts';

/** A text that the model finds too long is cut in two this often: passages of 1,200 characters are then 150. */
const MAX_HALVINGS = 3;
/** Of a question; what it is about is said by then. */
const QUESTION_CHARS = 2_000;

/** How near passages are to a question: the cosine of their vectors (of length 1), the best of a passage that had to be cut. Throws EMBED_ errors, HOST_MODEL_NOT_SERVED. */
export async function rankPassages(embeddings: Pick<EmbeddingService, 'embed'>, { question, passages }: { readonly question: string; readonly passages: readonly string[] }, signal: AbortSignal): Promise<number[]> {
  for (let halvings = 0; ; halvings += 1) {
    const pieces = passages.map((passage) => piecesOf(passage, 2 ** halvings));
    try {
      const { vectors: [asked, ...vectors] } = await embeddings.embed({ texts: [question.slice(0, QUESTION_CHARS / 2 ** halvings), ...pieces.flat()], signal });
      let at = 0;
      return pieces.map((list) => Math.max(...list.map(() => dot(asked, vectors[at++]))));
    } catch (error) {
      if (!isCoded(error, 'EMBED_TEXT_TOO_LONG') || halvings >= MAX_HALVINGS) throw error;
    }
  }
}

function piecesOf(text: string, count: number): string[] {
  const size = Math.ceil(text.length / count);
  const pieces = Array.from({ length: count }, (_, index) => text.slice(index * size, (index + 1) * size)).filter((piece) => piece.trim() !== '');
  return pieces.length === 0 ? ['-'] : pieces;
}

const dot = (a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): number => Array.from(a ?? []).reduce((sum, value, index) => sum + value * (b?.[index] ?? 0), 0);
