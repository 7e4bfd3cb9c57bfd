import { randomBytes } from 'node:crypto';
import type { AnswerEvent, Usage } from './answer.ts';
import type { ToolCall } from './shape/tool-text.ts';
import type { ChosenToken, ServedModel, TokenChance } from './ports.ts';

/** The shapes in which answers leave: OpenAI's. One writer for each endpoint, so that the way there is the same. */
export interface AnswerWriter {
  readonly id: string;
  /** The whole answer. */
  whole(answer: WholeAnswer, end: AnswerEnd): object;
  /** What a stream begins with. */
  first(): readonly object[];
  piece(text: string, chances: readonly ChosenToken[] | undefined): object;
  /** A call begins. */
  call(index: number, name: string): object;
  arguments(index: number, text: string): object;
  last(finishReason: AnswerEnd['finishReason']): object;
  /** Of its own, after the last: no choices. */
  usage(usage: Usage): object;
}

export interface WholeAnswer {
  readonly text: string;
  readonly chances: readonly ChosenToken[] | undefined;
  readonly calls: readonly ToolCall[];
}

export const newCallId = (): string => `call_${randomBytes(12).toString('hex')}`;

export type AnswerEnd = Omit<Extract<AnswerEvent, { kind: 'end' }>, 'kind'>;

export interface WriterInit {
  readonly model: string;
  readonly createdAtSeconds: number;
  /** Every chunk but the last then says that it has none. */
  readonly withUsage: boolean;
  /** The answer may be calls: it need not have text. */
  readonly hasTools: boolean;
}

const newId = (prefix: string): string => `${prefix}-${randomBytes(16).toString('hex')}`;

export const usageOf = ({ promptTokens, cachedTokens, completionTokens }: Usage): object => ({
  prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens, prompt_tokens_details: { cached_tokens: cachedTokens },
});

const decoder = new TextDecoder();
const chanceOf = ({ bytes, logprob }: TokenChance): object => ({ token: decoder.decode(bytes), logprob, bytes: [...bytes] });
const logprobsOf = (chances: readonly ChosenToken[] | undefined): object | null =>
  (chances === undefined ? null : { content: chances.map(({ top, ...token }) => ({ ...chanceOf(token), top_logprobs: top.map(chanceOf) })), refusal: null });

export function chatWriter({ model, createdAtSeconds: created, withUsage, hasTools }: WriterInit): AnswerWriter {
  const id = newId('chatcmpl');
  const chunk = (choice: object): object => ({ id, object: 'chat.completion.chunk', created, model, choices: [{ index: 0, ...choice }], ...(withUsage ? { usage: null } : {}) });
  return {
    id,
    whole: ({ text, chances, calls }, { finishReason, usage }) => ({
      id, object: 'chat.completion', created, model, usage: usageOf(usage),
      choices: [{ index: 0, message: { role: 'assistant', ...contentOf(text, calls), refusal: null }, logprobs: logprobsOf(chances), finish_reason: finishReason }],
    }),
    first: () => [chunk({ delta: { role: 'assistant', content: hasTools ? null : '' }, logprobs: null, finish_reason: null })],
    piece: (content, chances) => chunk({ delta: { content }, logprobs: logprobsOf(chances), finish_reason: null }),
    call: (index, name) => chunk({ delta: { tool_calls: [{ index, id: newCallId(), type: 'function', function: { name, arguments: '' } }] }, logprobs: null, finish_reason: null }),
    arguments: (index, text) => chunk({ delta: { tool_calls: [{ index, function: { arguments: text } }] }, logprobs: null, finish_reason: null }),
    last: (finishReason) => chunk({ delta: {}, logprobs: null, finish_reason: finishReason }),
    usage: (usage) => ({ id, object: 'chat.completion.chunk', created, model, choices: [], usage: usageOf(usage) }),
  };
}

function contentOf(content: string, calls: readonly ToolCall[]): object {
  if (calls.length === 0) return { content };
  return { content: content === '' ? null : content, tool_calls: calls.map(({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } })) };
}

export function completionWriter({ model, createdAtSeconds: created, withUsage }: WriterInit): AnswerWriter {
  const id = newId('cmpl');
  const reply = { id, object: 'text_completion', created, model };
  const choiceOf = (text: string, finishReason: string | null): object => ({ index: 0, text, logprobs: null, finish_reason: finishReason });
  const chunk = (text: string, finishReason: string | null): object => ({ ...reply, choices: [choiceOf(text, finishReason)], ...(withUsage ? { usage: null } : {}) });
  return {
    id,
    whole: ({ text }, { finishReason, usage }) => ({ ...reply, choices: [choiceOf(text, finishReason)], usage: usageOf(usage) }),
    first: () => [],
    piece: (text) => chunk(text, null),
    // It has no tools.
    call: () => chunk('', null),
    arguments: (_, text) => chunk(text, null),
    last: (finishReason) => chunk('', finishReason),
    usage: (usage) => ({ ...reply, choices: [], usage: usageOf(usage) }),
  };
}

export const modelReply = ({ id, createdAtSeconds }: ServedModel): object => ({ id, object: 'model', created: createdAtSeconds, owned_by: 'omninode' });

export function embeddingReply(model: string, { vectors, tokens }: { readonly vectors: readonly Float32Array[]; readonly tokens: number }, format: 'float' | 'base64'): object {
  const data = vectors.map((vector, index) => ({ object: 'embedding', index, embedding: format === 'base64' ? base64Of(vector) : [...vector] }));
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** Little-endian float32, as OpenAI's clients read it. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
}
