import type { ChatFinish, ChatMessage, ChatOptions, ChatProgress } from '../../src-preload/bridge/index.ts';

export interface AnswerRequest {
  /** Ends with the question, or with the beginning of the answer that is to be continued. */
  readonly messages: readonly ChatMessage[];
  readonly sampling: Omit<ChatOptions, 'maxTokens'>;
  readonly maxTokens: number | undefined;
  readonly signal: AbortSignal;
}

export type AnswerPart = { readonly text: string } | { readonly progress: ChatProgress } | { readonly done: ChatFinish };

/** What computes answers: text parts, then one `done`. Failures are thrown by the iterator. */
export interface Answerer {
  chat(request: AnswerRequest): AsyncIterable<AnswerPart>;
}
