import type { ChatMessage } from '../../../../src-preload/bridge/index.ts';

/**
 * How calls are written. Models that were trained on calls between these tags (Hermes, Qwen) know the form; others are led by the grammar alone. What llama.cpp
 * offers of chat templates has no place for tools.
 */
export const CALL_TAG = '<tool_call>';
const CALL_END = '</tool_call>';
export const NAME_HEAD = '\n{"name": "';
export const ARGUMENTS_HEAD = '", "arguments": ';
export const CALL_TAIL = `}\n${CALL_END}`;

export interface Tool {
  readonly name: string;
  readonly description: string | undefined;
  /** A JSON Schema; undefined: no arguments. */
  readonly parameters: unknown;
  readonly isStrict: boolean;
  /** How a client names its parameters. */
  readonly param: string;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

export const callText = ({ name, arguments: args }: Omit<ToolCall, 'id'>): string => `${CALL_TAG}${NAME_HEAD}${name}${ARGUMENTS_HEAD}${args}${CALL_TAIL}`;

export const resultText = (text: string): string => `<tool_response>\n${text}\n</tool_response>`;

/** The conversation, with the tools in its system message. */
export function withTools(messages: readonly ChatMessage[], tools: readonly Tool[], mustCall: boolean): ChatMessage[] {
  const text = systemText(tools, mustCall);
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ role: 'system', content: `${first.content}\n\n${text}` }, ...rest];
}

function systemText(tools: readonly Tool[], mustCall: boolean): string {
  const listed = tools.map(({ name, description, parameters }) => JSON.stringify({ name, ...(description === undefined ? {} : { description }), parameters: parameters ?? {} }));
  return [
    'Functions that can be called for you:', '<tools>', ...listed, '</tools>',
    mustCall ? 'Call what the user needs, in this form and without other text:' : 'Where one of them is needed, call it in this form; else answer in words:',
    `${CALL_TAG}${NAME_HEAD}the name${ARGUMENTS_HEAD}{the arguments as JSON}${CALL_TAIL}`,
    'What a call gave is told between <tool_response> and </tool_response>.',
  ].join('\n');
}
