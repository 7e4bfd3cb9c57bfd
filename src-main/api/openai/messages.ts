import type { ChatMessage } from '../../../src-preload/bridge/index.ts';
import { openaiErrors } from './errors.ts';
import type { MessageInput } from './schema.ts';
import { callText, resultText } from './shape/tool-text.ts';

/**
 * A conversation as the model's template takes it: calls and what they gave become text of the assistant and the user.
 *
 * @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD
 */
export function messagesOf(inputs: readonly MessageInput[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  const called = new Set<string>();
  inputs.forEach((input, index) => {
    const before = messages.at(-1);
    const message = messageOf(input, `messages[${index}]`, called);
    const isNextResult = input.role === 'tool' && inputs[index - 1]?.role === 'tool' && before !== undefined;
    if (isNextResult) messages[messages.length - 1] = { ...before, content: `${before.content}\n${message.content}` };
    else messages.push(message);
  });
  return messages;
}

function messageOf(input: MessageInput, param: string, called: Set<string>): ChatMessage {
  const { role, function_call: call } = input;
  if (role === 'function' || (call !== undefined && call !== null)) throw openaiErrors.unsupportedField({ param: `${param}.${role === 'function' ? 'role' : 'function_call'}`, reason: 'it is the old form of tools' });
  if (role === 'tool') return resultOf(input, param, called);
  if (role === 'assistant' && input.tool_calls?.length) return callsOf(input, param, called);
  return { role: role === 'developer' ? 'system' : role, content: contentOf(input, param) };
}

function resultOf(input: MessageInput, param: string, called: ReadonlySet<string>): ChatMessage {
  const { tool_call_id: id } = input;
  if (id === undefined || id === null || !called.has(id)) throw openaiErrors.invalidField({ param: `${param}.tool_call_id`, reason: 'names no call of a message before' });
  return { role: 'user', content: resultText(contentOf(input, param)) };
}

function callsOf(input: MessageInput, param: string, called: Set<string>): ChatMessage {
  const calls = (input.tool_calls ?? []).map(({ id, function: call }) => {
    called.add(id);
    return callText(call);
  });
  const text = isThere(input.content) ? contentOf(input, param) : '';
  return { role: 'assistant', content: [...(text === '' ? [] : [text]), ...calls].join('\n') };
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;

function contentOf({ content }: MessageInput, param: string): string {
  if (content === undefined || content === null) throw openaiErrors.invalidField({ param: `${param}.content`, reason: 'is missing' });
  return typeof content === 'string' ? content : content.map((part, at) => textOf(part, `${param}.content[${at}]`)).join('\n');
}

function textOf({ type, text }: { readonly type: string; readonly text?: string | undefined }, param: string): string {
  if (type !== 'text') throw openaiErrors.unsupportedField({ param: `${param}.type`, reason: `it reads text, not "${type}"` });
  if (text === undefined) throw openaiErrors.invalidField({ param: `${param}.text`, reason: 'is missing' });
  return text;
}
