import { openaiErrors } from './errors.ts';
import { messagesOf } from './messages.ts';
import type { CompletionPrompt, CompletionRequest, CompletionSampling } from './ports.ts';
import { refuseInChat, refuseInCompletion } from './refusals.ts';
import type { ChatBody, CompletionBody, EmbeddingBody } from './schema.ts';
import { shapeOf } from './shape/answer-shape.ts';
import { withTools } from './shape/tool-text.ts';

/** What OpenAI's reference says of completions. */
const DEFAULT_COMPLETION_TOKENS = 16;

/** A request without its signal, and how its answer is told. */
export interface Asked {
  readonly request: Omit<CompletionRequest, 'signal'>;
  readonly model: string;
  readonly stops: readonly string[];
  readonly isStream: boolean;
  readonly withUsage: boolean;
  /** The answer may be calls. */
  readonly hasTools: boolean;
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function askedInChat(body: ChatBody): Asked {
  refuseInChat(body);
  const { max_tokens: older, max_completion_tokens: newer, logprobs, top_logprobs: top } = body;
  if (typeof older === 'number' && typeof newer === 'number' && older !== newer) throw openaiErrors.invalidField({ param: 'max_tokens', reason: 'differs from max_completion_tokens: give one of them' });
  if (typeof top === 'number' && logprobs !== true) throw openaiErrors.invalidField({ param: 'top_logprobs', reason: 'needs logprobs: true' });
  const messages = messagesOf(body.messages);
  const { grammar, tools, mustCall } = shapeOf(body);
  const prompt = { kind: 'chat', messages: tools.length === 0 ? messages : withTools(messages, tools, mustCall) } as const;
  return { ...askedOf(body, { prompt, grammar, maxTokens: newer ?? older ?? undefined, topLogprobs: logprobs === true ? top ?? 0 : undefined }), hasTools: tools.length > 0 };
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function askedInCompletion(body: CompletionBody): Asked {
  refuseInCompletion(body);
  const [text, ...others] = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  if (typeof text !== 'string') throw openaiErrors.unsupportedField({ param: 'prompt', reason: 'a prompt is a text, not tokens' });
  if (others.length > 0) throw openaiErrors.unsupportedField({ param: 'prompt', reason: 'it continues one text a request' });
  return askedOf(body, { prompt: { kind: 'text', text }, grammar: undefined, maxTokens: body.max_tokens ?? DEFAULT_COMPLETION_TOKENS, topLogprobs: undefined });
}

function askedOf(body: ChatBody | CompletionBody, more: Pick<CompletionRequest, 'grammar' | 'maxTokens' | 'topLogprobs'> & { readonly prompt: CompletionPrompt }): Asked {
  const { stop, stream, stream_options: options } = body;
  if (options !== undefined && options !== null && stream !== true) throw openaiErrors.invalidField({ param: 'stream_options', reason: 'needs stream: true' });
  const stops = typeof stop === 'string' ? [stop] : stop ?? [];
  return { request: { ...more, sampling: samplingOf(body) }, model: body.model, stops, isStream: stream === true, withUsage: options?.include_usage === true, hasTools: false };
}

function samplingOf({ temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty, seed }: ChatBody | CompletionBody): CompletionSampling {
  const given = { temperature, topP, topK, minP, repetitionPenalty, seed: typeof seed === 'number' ? Number(BigInt.asUintN(32, BigInt(seed))) : undefined };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'number'));
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function textsOf({ input }: EmbeddingBody): readonly string[] {
  if (typeof input === 'string') return [input];
  return input.map((text, index) => {
    if (typeof text !== 'string') throw openaiErrors.unsupportedField({ param: `input[${index}]`, reason: 'an input is a text, not tokens' });
    return text;
  });
}
