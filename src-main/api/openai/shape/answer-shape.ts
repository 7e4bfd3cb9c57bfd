import type { Grammar } from '../../../inference/index.ts';
import { openaiErrors } from '../errors.ts';
import type { ChatBody, ToolInput } from '../schema.ts';
import { objectOf, value } from './json-rules.ts';
import { schemaRule } from './json-schema.ts';
import { Rules, type Sequence } from './rules.ts';
import { callsOnly, textOrCalls, type CallsInit } from './tool-rules.ts';
import type { Tool } from './tool-text.ts';

export interface WantedShape {
  /** Undefined: any text. */
  readonly grammar: Grammar | undefined;
  /** Those that may be called; empty: none. */
  readonly tools: readonly Tool[];
  readonly mustCall: boolean;
}

/** What a request's `response_format`, `tools` and `tool_choice` want. @throws API_INVALID_FIELD, API_UNSUPPORTED_FIELD */
export function shapeOf(body: ChatBody): WantedShape {
  const tools = (body.tools ?? []).map(toolOf);
  const names = new Set(tools.map(({ name }) => name));
  if (names.size < tools.length) throw openaiErrors.invalidField({ param: 'tools', reason: 'two functions have the same name' });
  const choice = choiceOf(body, tools);
  const rules = new Rules();
  const format = formatOf(body, rules);
  if (choice.tools.length === 0) return { tools: [], mustCall: false, grammar: format === undefined ? undefined : rules.grammar(format) };
  const calls: CallsInit = { tools: choice.tools, isSingle: choice.isSingle || body.parallel_tool_calls === false };
  if (choice.mustCall) return { ...choice, grammar: rules.grammar(callsOnly(rules, calls)) };
  return { ...choice, grammar: rules.grammar(format === undefined ? textOrCalls(rules, calls) : [...format, ...callsOnly(rules, calls)]) };
}

function formatOf({ response_format: format }: ChatBody, rules: Rules): readonly Sequence[] | undefined {
  if (format === undefined || format === null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return [[objectOf(rules, value)]];
  const { schema = {}, strict } = format.json_schema;
  return [[schemaRule({ rules, schema, param: 'response_format.json_schema.schema', isStrict: strict === true })]];
}

function toolOf({ function: { name, description, parameters, strict } }: ToolInput, index: number): Tool {
  return { name, description: description ?? undefined, parameters: parameters ?? undefined, isStrict: strict === true, param: `tools[${index}].function.parameters` };
}

interface Choice {
  readonly tools: readonly Tool[];
  readonly mustCall: boolean;
  readonly isSingle: boolean;
}

function choiceOf({ tool_choice: choice }: ChatBody, tools: readonly Tool[]): Choice {
  const wanted = choice ?? 'auto';
  if (wanted === 'none') return { tools: [], mustCall: false, isSingle: false };
  if (wanted === 'auto') return { tools, mustCall: false, isSingle: false };
  if (tools.length === 0) throw openaiErrors.invalidField({ param: 'tool_choice', reason: 'needs tools' });
  if (wanted === 'required') return { tools, mustCall: true, isSingle: false };
  const named = tools.filter(({ name }) => name === wanted.function.name);
  if (named.length === 0) throw openaiErrors.invalidField({ param: 'tool_choice', reason: 'names a function that is not among the tools' });
  return { tools: named, mustCall: true, isSingle: true };
}
