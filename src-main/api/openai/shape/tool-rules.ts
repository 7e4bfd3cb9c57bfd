import { schemaRule } from './json-schema.ts';
import type { Rules, Sequence } from './rules.ts';
import { ARGUMENTS_HEAD, CALL_TAG, CALL_TAIL, NAME_HEAD, type Tool } from './tool-text.ts';

/** A small model may go on calling. */
const MAX_CALLS = 16;

export interface CallsInit {
  readonly tools: readonly Tool[];
  /** At most one. */
  readonly isSingle: boolean;
}

/** What follows the tag of the first call: its rest, and other calls. */
function restOfCalls(rules: Rules, { tools, isSingle }: CallsInit): Sequence {
  const calls = tools.map((tool): Sequence => [`${NAME_HEAD}${tool.name}${ARGUMENTS_HEAD}`, schemaRule({ rules, schema: argumentsOf(tool), param: tool.param, isStrict: tool.isStrict }), CALL_TAIL]);
  const call = rules.any(calls);
  if (isSingle) return [call];
  return [call, rules.repeat(rules.any([[`\n${CALL_TAG}`, call]]), 0, MAX_CALLS - 1)];
}

/** Whatever a function declares, its arguments are an object. */
function argumentsOf({ parameters }: Tool): unknown {
  if (parameters === undefined || parameters === null) return { type: 'object', additionalProperties: false };
  if (typeof parameters !== 'object' || 'type' in parameters || '$ref' in parameters || 'anyOf' in parameters) return parameters;
  return { ...parameters, type: 'object' };
}

/** Calls, and nothing else. */
export const callsOnly = (rules: Rules, init: CallsInit): Sequence[] => [[CALL_TAG, ...restOfCalls(rules, init)]];

/** Any text, and perhaps calls behind it. */
export function textOrCalls(rules: Rules, init: CallsInit): Sequence[] {
  const states = textStates(rules);
  const last = states.at(-1);
  return [...states.map((state) => [state]), ...(last === undefined ? [] : [[last, CALL_TAG.slice(-1), ...restOfCalls(rules, init)]])];
}

/**
 * Texts that have no tag in them, by how much of a tag they end with: nothing, its first character, and so on, but not all of it (the automaton
 * of Knuth, Morris and Pratt; the tag's first character is nowhere else in it). Left-recursive, so that its reader has the same few things open however long the text.
 */
function textStates(rules: Rules): number[] {
  const [first = ''] = CALL_TAG;
  const states = [...CALL_TAG].map(() => rules.reserve());
  const begun: Sequence[] = [];
  const none: Sequence[] = [[]];
  [...CALL_TAG].forEach((character, read) => {
    const state = states[read] ?? 0;
    none.push([state, { notIn: character === first ? first : `${character}${first}` }]);
    begun.push([state, first]);
    if (read > 0 && read + 1 < CALL_TAG.length) rules.define(states[read + 1] ?? 0, [[state, character]]);
  });
  rules.define(states[0] ?? 0, none);
  rules.define(states[1] ?? 0, begun);
  return states;
}
