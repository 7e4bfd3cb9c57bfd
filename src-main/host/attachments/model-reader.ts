import type { EmbeddingService } from '../../api/index.ts';
import type { ModelReader } from '../../chats/index.ts';
import type { Tokenizer } from '../../inference/index.ts';
import { rankPassages } from './rank-passages.ts';

/** A long text is counted in parts, so that answers under way get the tokenizer in between. */
const PART_CHARS = 16_000;

interface Reading {
  /** Undefined while there is none. */
  readonly modelId: () => string | undefined;
  readonly contextTokens: () => number;
  /** Waits for the model. */
  readonly tokenizer: () => Promise<Pick<Tokenizer, 'tokenize'>>;
  readonly embeddings: Pick<EmbeddingService, 'embed'> | undefined;
}

/** What the model that answers can read, by its own tokenizer. */
export function modelReader({ modelId, contextTokens, tokenizer, embeddings }: Reading): ModelReader {
  return {
    get modelId() { return modelId(); },
    get contextTokens() { return contextTokens(); },
    count: async (text) => {
      const counter = await tokenizer();
      let tokens = 0;
      for (const part of partsOf(text)) tokens += (await counter.tokenize(part, { addSpecial: false, parseSpecial: false })).length;
      return tokens;
    },
    ...(embeddings === undefined ? {} : { rank: (question, passages, signal) => rankPassages(embeddings, { question, passages }, signal) }),
  };
}

/** Cut before the last space of each part: hardly a token lies across it. */
function* partsOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const limit = Math.min(text.length, at + PART_CHARS);
    const space = limit === text.length ? -1 : Math.max(text.lastIndexOf(' ', limit), text.lastIndexOf('\n', limit));
    const end = space > at ? space : limit;
    yield text.slice(at, end);
    at = end;
  }
}
