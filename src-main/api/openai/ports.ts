import type { ChatMessage } from '../../../src-preload/bridge/index.ts';
import type { Grammar } from '../../inference/index.ts';

/** What a client calls a model. */
export interface ServedModel {
  readonly id: string;
  readonly kind: 'chat' | 'embeddings';
  /** Unix time in seconds: since when this node serves it. */
  readonly createdAtSeconds: number;
}

/** Why there is no answer yet. */
export interface Loading {
  /** In words for a person, e.g. `cutting the model 43 %`. */
  readonly detail: string;
}

export type CompletionPrompt =
  /** Rendered with the model's own chat template. */
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] }
  /** Continued as it is. */
  | { readonly kind: 'text'; readonly text: string };

/** What is left out is the node's default for the model. */
export interface CompletionSampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
}

export interface CompletionRequest {
  readonly prompt: CompletionPrompt;
  readonly sampling: CompletionSampling;
  /** Undefined: until the context is full. */
  readonly maxTokens: number | undefined;
  /** What the answer must be; undefined: any text. */
  readonly grammar: Grammar | undefined;
  /** How many of the likeliest tokens are told with each; undefined: no log probabilities at all. */
  readonly topLogprobs: number | undefined;
  /** Ends the answer and frees its place at once. */
  readonly signal: AbortSignal;
}

/** Of the model's own distribution, before sampling changes it. */
export interface TokenChance {
  /** As the vocabulary has it: a character may be split over several tokens. */
  readonly bytes: Uint8Array;
  readonly logprob: number;
}

/** A token of the answer, and the likeliest ones at its place. */
export interface ChosenToken extends TokenChance {
  readonly top: readonly TokenChance[];
}

export type CompletionPart =
  /** First, and only where the prompt is one that can be answered: a place on the stages may still have to be waited for. */
  | { readonly kind: 'accepted'; readonly promptTokens: number }
  /** Before the first token: so many tokens of the prompt were in the stages' caches and are not computed again. */
  | { readonly kind: 'begun'; readonly cachedTokens: number }
  /** One for each token of the answer; the text may be empty where a character is not whole yet. */
  | { readonly kind: 'token'; readonly text: string; readonly chance?: ChosenToken }
  /** Last; the text is what was left of a character that never became whole. */
  | { readonly kind: 'done'; readonly text: string; readonly finishReason: 'stop' | 'length' | 'context' | 'cancelled' };

/** Answers for programs. Failures are CodedErrors thrown by the iterator. Who leaves the iterator ends the answer. */
export interface CompletionService {
  readonly model: ServedModel;
  /** Undefined when it can answer. */
  loading(): Loading | undefined;
  complete(request: CompletionRequest): AsyncIterable<CompletionPart>;
}

export interface EmbeddingRequest {
  readonly texts: readonly string[];
  readonly signal: AbortSignal;
}

export interface EmbeddingReply {
  /** Float32, of length 1, in the order of the texts. */
  readonly vectors: readonly Float32Array[];
  /** Of all texts, as the model's tokenizer counts them. */
  readonly tokens: number;
}

export interface EmbeddingService {
  readonly model: ServedModel;
  loading(): Loading | undefined;
  embed(request: EmbeddingRequest): Promise<EmbeddingReply>;
}
