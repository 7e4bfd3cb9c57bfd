import type { ChatMessage } from '../../../src-preload/bridge/index.ts';
import { openaiErrors } from './errors.ts';
import type { CompletionPrompt, CompletionRequest, CompletionSampling } from './ports.ts';
import { refuseInChat, refuseInCompletion } from './refusals.ts';
import type { ChatBody, CompletionBody, EmbeddingBody, MessageInput } from './schema.ts';

/** What OpenAI's reference says of completions. */
const DEFAULT_COMPLETION_TOKENS = 16;

/** A request without its signal, and how its answer is told. */
export interface Asked {
  readonly request: Omit<CompletionRequest, 'signal'>;
  readonly model: string;
  readonly stops: readonly string[];
  readonly isStream: boolean;
  readonly withUsage: boolean;
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function askedInChat(body: ChatBody): Asked {
  refuseInChat(body);
  const { max_tokens: older, max_completion_tokens: newer, logprobs, top_logprobs: top } = body;
  if (typeof older === 'number' && typeof newer === 'number' && older !== newer) throw openaiErrors.invalidField({ param: 'max_tokens', reason: 'differs from max_completion_tokens: give one of them' });
  if (typeof top === 'number' && logprobs !== true) throw openaiErrors.invalidField({ param: 'top_logprobs', reason: 'needs logprobs: true' });
  const prompt = { kind: 'chat', messages: body.messages.map(messageOf) } as const;
  return askedOf(body, { prompt, maxTokens: newer ?? older ?? undefined, topLogprobs: logprobs === true ? top ?? 0 : undefined });
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function askedInCompletion(body: CompletionBody): Asked {
  refuseInCompletion(body);
  const [text, ...others] = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  if (typeof text !== 'string') throw openaiErrors.unsupportedField({ param: 'prompt', reason: 'a prompt is a text, not tokens' });
  if (others.length > 0) throw openaiErrors.unsupportedField({ param: 'prompt', reason: 'it continues one text a request' });
  return askedOf(body, { prompt: { kind: 'text', text }, maxTokens: body.max_tokens ?? DEFAULT_COMPLETION_TOKENS, topLogprobs: undefined });
}

function askedOf(body: ChatBody | CompletionBody, more: Pick<CompletionRequest, 'maxTokens' | 'topLogprobs'> & { readonly prompt: CompletionPrompt }): Asked {
  const { stop, stream, stream_options: options } = body;
  if (options !== undefined && options !== null && stream !== true) throw openaiErrors.invalidField({ param: 'stream_options', reason: 'needs stream: true' });
  const stops = typeof stop === 'string' ? [stop] : stop ?? [];
  return { request: { ...more, sampling: samplingOf(body) }, model: body.model, stops, isStream: stream === true, withUsage: options?.include_usage === true };
}

function samplingOf({ temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty, seed }: ChatBody | CompletionBody): CompletionSampling {
  const given = { temperature, topP, topK, minP, repetitionPenalty, seed: typeof seed === 'number' ? Number(BigInt.asUintN(32, BigInt(seed))) : undefined };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'number'));
}

function messageOf({ role, content, tool_calls: toolCalls, function_call: call }: MessageInput, index: number): ChatMessage {
  const param = `messages[${index}]`;
  if (role === 'tool' || role === 'function') throw openaiErrors.unsupportedField({ param: `${param}.role`, reason: 'it knows no tools, whose results such a message would tell' });
  if (hasCalls(toolCalls) || hasCalls(call)) throw openaiErrors.unsupportedField({ param: `${param}.tool_calls`, reason: 'it knows no tools' });
  if (content === undefined || content === null) throw openaiErrors.invalidField({ param: `${param}.content`, reason: 'is missing' });
  return { role: role === 'developer' ? 'system' : role, content: typeof content === 'string' ? content : content.map((part, at) => textOf(part, `${param}.content[${at}]`)).join('\n') };
}

const hasCalls = (value: unknown): boolean => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

function textOf({ type, text }: { readonly type: string; readonly text?: string | undefined }, param: string): string {
  if (type !== 'text') throw openaiErrors.unsupportedField({ param: `${param}.type`, reason: `it reads text, not "${type}"` });
  if (text === undefined) throw openaiErrors.invalidField({ param: `${param}.text`, reason: 'is missing' });
  return text;
}

/** @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function textsOf({ input }: EmbeddingBody): readonly string[] {
  if (typeof input === 'string') return [input];
  return input.map((text, index) => {
    if (typeof text !== 'string') throw openaiErrors.unsupportedField({ param: `input[${index}]`, reason: 'an input is a text, not tokens' });
    return text;
  });
}
