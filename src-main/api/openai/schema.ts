import { z } from 'zod';

/** What clients may send. Fields that are not here are ignored, as OpenAI's servers do; `null` is as good as left out. */

export const API_LIMITS = {
  /** Answers under way and waiting, over all clients: the stages' places, and a queue behind them. */
  maxAnswers: 24,
  completionBodyBytes: 2 * 1024 * 1024, embeddingBodyBytes: 8 * 1024 * 1024,
  maxMessages: 2_048, maxParts: 1_024, maxStops: 4, maxStopChars: 256, maxTools: 128, maxTopLogprobs: 20, maxTexts: 2_048,
  /** Texts of a stream are held up no longer than this without a sign of life. */
  keepAliveMs: 15_000, retryAfterSeconds: 2,
} as const;

const text = z.string();
const modelId = z.string().min(1).max(500).describe('An id that GET /v1/models lists.');

/** Of a message's content; others than `text` are refused by name. */
const partSchema = z.looseObject({ type: z.string().max(100), text: text.optional() });

const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: 'must be a name of 1 to 64 letters, digits, underscores and hyphens' });
const callId = z.string().min(1).max(200);

const callSchema = z.looseObject({
  id: callId, type: z.literal('function', { error: 'must be "function"' }),
  function: z.looseObject({ name: toolName, arguments: text.describe('JSON.') }),
});

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']).describe('`developer` is `system`; `function` is refused.'),
  content: z.union([text, z.array(partSchema).max(API_LIMITS.maxParts)], { error: 'must be a text or a list of parts' }).nullish(),
  tool_calls: z.array(callSchema).max(API_LIMITS.maxTools).nullish().describe('What an assistant called.'),
  tool_call_id: callId.nullish().describe('Which call a message of role `tool` answers.'), function_call: z.unknown().optional(),
});
export type MessageInput = z.infer<typeof messageSchema>;

const stopText = text.min(1).max(API_LIMITS.maxStopChars);
const stop = z.union([stopText, z.array(stopText).max(API_LIMITS.maxStops)], { error: `must be a text of 1 to ${API_LIMITS.maxStopChars} characters, or a list of up to ${API_LIMITS.maxStops} of them` });

const sampling = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish().describe('The same seed and request give the same answer on the same model.'),
  top_k: z.int().min(0).max(1_000_000).nullish().describe('An extension, as llama.cpp has it.'),
  min_p: z.number().min(0).max(1).nullish().describe('An extension, as llama.cpp has it.'),
  repetition_penalty: z.number().min(0.01).max(10).nullish().describe('An extension, as llama.cpp has it.'),
  frequency_penalty: z.number().min(-2).max(2).nullish().describe('Only 0.'),
  presence_penalty: z.number().min(-2).max(2).nullish().describe('Only 0.'),
  logit_bias: z.record(z.string(), z.number()).nullish().describe('Only empty.'),
};

const maxTokens = z.int().min(1);

const shared = {
  model: modelId, ...sampling,
  n: z.int().min(1).max(128).nullish().describe('Only 1.'),
  stop: stop.nullish().describe('Where the answer ends; not part of it.'),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
};

const toolSchema = z.looseObject({
  type: z.literal('function', { error: 'must be "function"' }),
  function: z.looseObject({
    name: toolName, description: text.nullish(), parameters: z.record(z.string(), z.unknown()).nullish().describe('A JSON Schema of an object; left out, the function takes nothing.'),
    strict: z.boolean().nullish().describe('Refuse a schema with constraints that cannot be kept.'),
  }),
});
export type ToolInput = z.infer<typeof toolSchema>;

const toolChoice = z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: toolName }) })], { error: 'must be "none", "auto", "required", or {"type": "function", "function": {"name": ...}}' });

const responseFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }), z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({ name: text.max(200).nullish(), schema: z.record(z.string(), z.unknown()).exactOptional(), strict: z.boolean().nullish().describe('Refuse a schema with constraints that cannot be kept.') }),
  }),
], { error: 'must be of type "text", "json_object" or "json_schema"' });

export const chatBodySchema = z.object({
  ...shared,
  messages: z.array(messageSchema).min(1).max(API_LIMITS.maxMessages),
  max_tokens: maxTokens.nullish().describe('Left out: until the context is full.'),
  max_completion_tokens: maxTokens.nullish().describe('The newer name of max_tokens.'),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(API_LIMITS.maxTopLogprobs).nullish(),
  response_format: responseFormat.nullish(),
  tools: z.array(toolSchema).max(API_LIMITS.maxTools).nullish(),
  tool_choice: toolChoice.nullish().describe('`auto` when left out.'),
  parallel_tool_calls: z.boolean().nullish().describe('false: one call at most.'),
  functions: z.array(z.unknown()).nullish().describe('Only empty.'),
  function_call: z.unknown().optional(),
  modalities: z.array(z.string().max(100)).nullish().describe('Only ["text"].'),
  audio: z.unknown().optional(), web_search_options: z.unknown().optional(),
});
export type ChatBody = z.infer<typeof chatBodySchema>;

export const completionBodySchema = z.object({
  ...shared,
  prompt: z.union([text, z.array(z.unknown()).max(API_LIMITS.maxTexts)], { error: 'must be a text' }).describe('A text, or a list of one.'),
  max_tokens: maxTokens.nullish().describe('16 when left out.'),
  logprobs: z.int().min(0).max(5).nullish().describe('Refused: chat completions tell log probabilities.'),
  echo: z.boolean().nullish().describe('Only false.'),
  best_of: z.int().min(1).max(20).nullish().describe('Only 1.'),
  suffix: text.nullish().describe('Refused.'),
});
export type CompletionBody = z.infer<typeof completionBodySchema>;

export const embeddingBodySchema = z.object({
  model: modelId,
  input: z.union([text, z.array(z.unknown()).min(1).max(API_LIMITS.maxTexts)], { error: `must be a text or a list of 1 to ${API_LIMITS.maxTexts} texts` }).describe('A text, or a list of texts. Tokens are refused.'),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish().describe('Only as many as the model gives.'),
});
export type EmbeddingBody = z.infer<typeof embeddingBodySchema>;
