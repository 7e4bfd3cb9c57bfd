import { z } from 'zod';

/**
 * The texts that an answer may be, as rules of a context-free grammar; the first is the answer's. Data rather than a text such as GBNF, because strangers'
 * last stages take it as well: a schema checks all of it, and nothing has to be parsed. A text counts by its UTF-8 bytes.
 */
export type Grammar = readonly GrammarRule[];

export type GrammarRule =
  /** One of these sequences. */
  | { readonly any: readonly (readonly GrammarSymbol[])[] }
  /** Absent `max`: any number of times. */
  | { readonly repeat: GrammarSymbol; readonly min: number; readonly max?: number };

/** A text, the index of a rule, or one character: one of these ASCII characters, or any but these. */
export type GrammarSymbol = string | number | { readonly in: string } | { readonly notIn: string };

const MAX_RULES = 65_536;
const MAX_SYMBOLS = 65_536;
const MAX_TEXT_CHARS = 65_536;

const ascii = z.string().max(128).regex(/^[\x00-\x7f]*$/);
const symbol = z.union([z.string().max(MAX_TEXT_CHARS), z.int().min(0).max(MAX_RULES - 1), z.strictObject({ in: ascii }), z.strictObject({ notIn: ascii })]);
const times = z.int().min(0).max(2 ** 31 - 1);

/** Bounds each part; the message that a grammar travels in bounds the whole. */
export const grammarSchema = z.array(z.union([
  z.strictObject({ any: z.array(z.array(symbol).max(MAX_SYMBOLS).readonly()).max(MAX_SYMBOLS).readonly() }),
  z.strictObject({ repeat: symbol, min: times, max: times.exactOptional() }),
])).min(1).max(MAX_RULES).readonly() satisfies z.ZodType<Grammar>;

/** What an answer must be, for a model whose tokens spell what `spelling` says (`Tokenizer.spelling`). */
export interface AnswerShape {
  readonly grammar: Grammar;
  readonly spelling: Uint8Array;
}
