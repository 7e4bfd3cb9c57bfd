import type { ChatFinish, ChatMessage, ChatOptions, ChatProgress } from '../../src-preload/bridge/index.ts';

export interface AnswerRequest {
  /** Ends with the question, or with the beginning of the answer that is to be continued. */
  readonly messages: readonly ChatMessage[];
  /** What is left out is the host's default. */
  readonly sampling: Omit<ChatOptions, 'maxTokens'>;
  readonly maxTokens: number | undefined;
  /** Aborted by the user's stop: end the stream, at best with `done` and finishReason `cancelled`. */
  readonly signal: AbortSignal;
}

/** The model that answers, as far as reading goes. */
export interface ModelReader {
  /** Undefined while there is none. */
  readonly modelId: string | undefined;
  readonly contextTokens: number;
  /** Tokens of a text; waits for the model. */
  count(text: string): Promise<number>;
  /** How near each passage is to the question: more is nearer. Absent without an embedding model. */
  readonly rank?: (question: string, passages: readonly string[], signal: AbortSignal) => Promise<readonly number[]>;
}

export type AnswerPart = { readonly text: string } | { readonly progress: ChatProgress } | { readonly done: ChatFinish };

/** What computes answers: text parts, with what holds them up in between, then one `done`. Failures are CodedErrors thrown by the iterator. */
export interface Answerer {
  chat(request: AnswerRequest): AsyncIterable<AnswerPart>;
}
