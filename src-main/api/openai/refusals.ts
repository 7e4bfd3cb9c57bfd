import { openaiErrors } from './errors.ts';
import type { ChatBody, CompletionBody } from './schema.ts';

const OLD_FORM = 'it is the old form of tools and tool_choice';

/** A field that would change the answer, and that this node cannot honour. Its neutral values are no reason to refuse. */
interface Refusal<Body> {
  readonly param: string;
  readonly isAsked: (body: Body) => boolean;
  readonly reason: string;
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;
const hasSome = (list: readonly unknown[] | null | undefined): boolean => isThere(list) && list?.length !== 0;

const SHARED: readonly Refusal<ChatBody | CompletionBody>[] = [
  { param: 'n', isAsked: ({ n }) => isThere(n) && n !== 1, reason: 'it gives one answer to a request; ask again for another' },
  { param: 'frequency_penalty', isAsked: ({ frequency_penalty: value }) => isThere(value) && value !== 0, reason: 'its sampler has repetition_penalty' },
  { param: 'presence_penalty', isAsked: ({ presence_penalty: value }) => isThere(value) && value !== 0, reason: 'its sampler has repetition_penalty' },
  { param: 'logit_bias', isAsked: ({ logit_bias: value }) => Object.keys(value ?? {}).length > 0, reason: 'its sampler takes no bias' },
];

const CHAT: readonly Refusal<ChatBody>[] = [
  { param: 'functions', isAsked: ({ functions }) => hasSome(functions), reason: OLD_FORM },
  { param: 'function_call', isAsked: ({ function_call: value }) => isThere(value) && value !== 'none' && value !== 'auto', reason: OLD_FORM },
  { param: 'logprobs', isAsked: ({ logprobs, tools, tool_choice: choice }) => logprobs === true && hasSome(tools) && choice !== 'none', reason: 'the tokens of calls are not told; leave the tools out, or set tool_choice to "none"' },
  { param: 'modalities', isAsked: ({ modalities: value }) => value?.some((one) => one !== 'text') === true, reason: 'it answers with text' },
  { param: 'audio', isAsked: ({ audio }) => isThere(audio), reason: 'it answers with text' },
  { param: 'web_search_options', isAsked: ({ web_search_options: value }) => isThere(value), reason: 'it does not search' },
];

const COMPLETION: readonly Refusal<CompletionBody>[] = [
  { param: 'logprobs', isAsked: ({ logprobs }) => isThere(logprobs), reason: 'chat completions tell log probabilities' },
  { param: 'echo', isAsked: ({ echo }) => echo === true, reason: 'it tells the answer alone' },
  { param: 'best_of', isAsked: ({ best_of: value }) => isThere(value) && value !== 1, reason: 'it gives one answer to a request' },
  { param: 'suffix', isAsked: ({ suffix }) => isThere(suffix) && suffix !== '', reason: 'it only continues a text' },
];

function refuse<Body>(body: Body, refusals: readonly Refusal<Body>[]): void {
  const found = refusals.find(({ isAsked }) => isAsked(body));
  if (found !== undefined) throw openaiErrors.unsupportedField({ param: found.param, reason: found.reason });
}

/** @throws API_UNSUPPORTED_FIELD */
export const refuseInChat = (body: ChatBody): void => refuse(body, [...CHAT, ...SHARED]);

/** @throws API_UNSUPPORTED_FIELD */
export const refuseInCompletion = (body: CompletionBody): void => refuse(body, [...COMPLETION, ...SHARED]);
