import type { ChatFinish, ChatMessage, ChatOptions, ChatProgress, Rating } from '../../src-preload/bridge/index.ts';

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

/** `paidSession`: what paid for it. */
export type AnswerPart = { readonly text: string } | { readonly progress: ChatProgress } | { readonly done: ChatFinish; readonly paidSession?: string };

export interface RatedAnswer {
  /** What paid for it, as the answerer said. */
  readonly session: string;
  /** The id of its message. */
  readonly answer: string;
  /** Null: nothing any more. */
  readonly rating: Rating | null;
}

/** Hears what their owner thinks of answers that were paid for. Rejects where that does not count any more. */
export interface Rater {
  rate(rated: RatedAnswer): Promise<void>;
}

/** What computes answers: text parts, with what holds them up in between, then one `done`. Failures are CodedErrors thrown by the iterator. */
export interface Answerer {
  chat(request: AnswerRequest): AsyncIterable<AnswerPart>;
}
