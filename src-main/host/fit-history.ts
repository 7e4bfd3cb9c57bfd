import type { ChatMessage, Tokenizer } from '../inference/index.ts';
import { promptTokens } from './text-stream.ts';

export interface HistoryRoom {
  readonly contextTokens: number;
  /** What the answer may take. */
  readonly maxTokens: number;
}

/** Of the context, what an answer finds free at least, however long it may be. */
const ANSWER_SHARE = 0.25;

/**
 * As much of a conversation's end as fits the context together with the answer, counted with the model's own tokenizer and template. The system prompt and the
 * last message stay in any case; the oldest of the others go first, and an answer never begins what is left.
 */
export async function fitHistory(tokenizer: Tokenizer, messages: readonly ChatMessage[], { contextTokens, maxTokens }: HistoryRoom): Promise<readonly ChatMessage[]> {
  const most = contextTokens - Math.min(maxTokens, Math.floor(contextTokens * ANSWER_SHARE));
  const first = messages[0]?.role === 'system' ? 1 : 0;
  const from = (begin: number): readonly ChatMessage[] => [...messages.slice(0, first), ...messages.slice(begin)];
  const fits = async (begin: number): Promise<boolean> => (await promptTokens(tokenizer, { kind: 'chat', messages: from(begin) })).length <= most;
  const begins = messages.map((_, index) => index).filter((index) => index === first || index === messages.length - 1 || (index > first && messages[index]?.role !== 'assistant'));
  if (begins.length === 0 || await fits(first)) return messages;
  // The more is left out, the less is left: the earliest beginning that fits is found by halving.
  let [low, high] = [1, begins.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await fits(begins[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return from(begins[high] ?? first);
}
