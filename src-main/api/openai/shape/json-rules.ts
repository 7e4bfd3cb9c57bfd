import type { Rules, Sequence } from './rules.ts';

/**
 * JSON (RFC 8259), with bounds where a model could go on for ever: white space, digits. What is written is always JSON; not all JSON can be written.
 */
const CONTROLS = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('');
const DIGITS = '0123456789';
const MAX_INDENT = 20;
/** So many digits survive in a float64. */
const MAX_DIGITS = 15;

/** Between two signs: nothing, a blank, or a new line with its indent. */
export const blank = (rules: Rules): number => rules.named('blank', () => [[], [' '], ['\n', rules.repeat(' ', 0, MAX_INDENT)]]);

/** A character of a string, escaped or not; each is one code point. */
const character = (rules: Rules): number => rules.named('character', () => [
  [{ notIn: `"\\${CONTROLS}` }], ['\\', { in: '"\\/bfnrt' }], ['\\u00', { in: '01' }, { in: '0123456789abcdefABCDEF' }],
]);

export function stringOf(rules: Rules, { min = 0, max }: { readonly min?: number; readonly max?: number | undefined } = {}): number {
  return rules.named(`string ${min} ${max}`, () => [['"', rules.repeat(character(rules), min, max), '"']]);
}

export const integer = (rules: Rules): number => rules.named('integer', () => {
  const digits = rules.any([['0'], [{ in: DIGITS.slice(1) }, rules.repeat({ in: DIGITS }, 0, MAX_DIGITS - 1)]]);
  return [[digits], ['-', digits]];
});

export const number = (rules: Rules): number => rules.named('number', () => {
  const fraction = rules.optional('.', rules.repeat({ in: DIGITS }, 1, MAX_DIGITS));
  const exponent = rules.optional({ in: 'eE' }, rules.optional({ in: '+-' }), rules.repeat({ in: DIGITS }, 1, 2));
  return [[integer(rules), fraction, exponent]];
});

export const boolean = (rules: Rules): number => rules.named('boolean', () => [['true'], ['false']]);

export const value = (rules: Rules): number => rules.named('value', () => [[stringOf(rules)], [number(rules)], [boolean(rules)], ['null'], [objectOf(rules, value)], [arrayOf(rules, { items: value })]]);

export type MakeRule = (rules: Rules) => number;

/** An object of any names, whose values are all alike. */
export function objectOf(rules: Rules, values: MakeRule): number {
  const entry = rules.any([[stringOf(rules), ':', space(rules), values(rules)]]);
  return bracketed(rules, '{}', { inner: [entry, rules.repeat(rules.any([[',', blank(rules), entry]]), 0)], mayBeEmpty: true });
}

export function arrayOf(rules: Rules, { items, min = 0, max }: { readonly items: MakeRule; readonly min?: number; readonly max?: number | undefined }): number {
  if (max === 0) return rules.any([['[', blank(rules), ']']]);
  const item = items(rules);
  const others = rules.repeat(rules.any([[',', blank(rules), item]]), Math.max(0, min - 1), max === undefined ? undefined : max - 1);
  return bracketed(rules, '[]', { inner: [item, others], mayBeEmpty: min === 0 });
}

/** After a colon. */
export const space = (rules: Rules): number => rules.named('space', () => [[], [' ']]);

function bracketed(rules: Rules, signs: '{}' | '[]', { inner, mayBeEmpty }: { readonly inner: Sequence; readonly mayBeEmpty: boolean }): number {
  const [open = '', close = ''] = signs;
  const whole: Sequence = [open, blank(rules), ...inner, blank(rules), close];
  return rules.any(mayBeEmpty ? [[open, blank(rules), close], whole] : [whole]);
}
