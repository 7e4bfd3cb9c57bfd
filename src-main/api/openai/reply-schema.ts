import { z } from 'zod';

/** What the endpoints of OpenAI's API answer here; for the OpenAPI document and the tests. */

const count = z.int().min(0);
const usage = z.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count, prompt_tokens_details: z.object({ cached_tokens: count }) });
const chance = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int().min(0).max(255)) });
const finishReason = z.enum(['stop', 'length']);
const call = z.object({ id: z.string(), type: z.literal('function'), function: z.object({ name: z.string(), arguments: z.string() }) });
const reply = { id: z.string(), created: count, model: z.string() };

export const openaiErrorSchema = z.object({ error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }) });

export const chatReplySchema = z.object({
  ...reply, object: z.literal('chat.completion'), usage,
  choices: z.array(z.object({
    index: z.literal(0), finish_reason: z.enum(['stop', 'length', 'tool_calls']),
    message: z.object({ role: z.literal('assistant'), content: z.string().nullable(), refusal: z.null(), tool_calls: z.array(call).min(1).exactOptional() }),
    logprobs: z.object({ content: z.array(chance.extend({ top_logprobs: z.array(chance) })), refusal: z.null() }).nullable(),
  })).length(1),
});

export const completionReplySchema = z.object({
  ...reply, object: z.literal('text_completion'), usage,
  choices: z.array(z.object({ index: z.literal(0), text: z.string(), logprobs: z.null(), finish_reason: finishReason })).length(1),
});

export const embeddingReplySchema = z.object({
  object: z.literal('list'), model: z.string(), usage: z.object({ prompt_tokens: count, total_tokens: count }),
  data: z.array(z.object({ object: z.literal('embedding'), index: count, embedding: z.union([z.array(z.number()), z.string().describe('Base64 of little-endian float32.')]) })),
});

export const modelReplySchema = z.object({ id: z.string(), object: z.literal('model'), created: count, owned_by: z.literal('omninode') });
export const modelListSchema = z.object({ object: z.literal('list'), data: z.array(modelReplySchema) });
