import type { Grammar, GrammarRule, GrammarSymbol } from '../engine/grammar.ts';

const ANY_NUMBER = -1;
const SEQUENCES = 0;
const REPETITION = 1;
/** Symbols as the addon has them; a rule is its index. */
const byteSymbol = (byte: number): number => -1 - byte;
const setSymbol = (index: number): number => -257 - index;

type Range = readonly [first: number, last: number];
const CONT: Range = [0x80, 0xbf];
/** Characters beyond ASCII, as UTF-8 is well-formed (RFC 3629, section 4). */
const WIDE_CHARS: readonly (readonly Range[])[] = [
  [[0xc2, 0xdf], CONT], [[0xe0, 0xe0], [0xa0, 0xbf], CONT], [[0xe1, 0xec], CONT, CONT], [[0xed, 0xed], [0x80, 0x9f], CONT], [[0xee, 0xef], CONT, CONT],
  [[0xf0, 0xf0], [0x90, 0xbf], CONT, CONT], [[0xf1, 0xf3], CONT, CONT, CONT], [[0xf4, 0xf4], [0x80, 0x8f], CONT, CONT],
];

/** A grammar's program for the addon (native/src/grammar.h), which checks it once more. */
export function compileGrammar(grammar: Grammar): Int32Array {
  return new Compiler(grammar).program();
}

class Compiler {
  readonly #grammar: Grammar;
  readonly #sets: number[][] = [];
  readonly #setOf = new Map<string, number>();
  /** Behind those of the grammar. */
  readonly #extra: number[][] = [];
  readonly #ruleOf = new Map<string, number>();

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
  }

  program(): Int32Array {
    const rules = this.#grammar.map((rule) => this.#rule(rule));
    return Int32Array.from([this.#sets.length, ...this.#sets.flat(), rules.length + this.#extra.length, ...[...rules, ...this.#extra].flat()]);
  }

  #rule(rule: GrammarRule): number[] {
    if ('repeat' in rule) return [REPETITION, this.#single(rule.repeat), rule.min, rule.max ?? ANY_NUMBER];
    return sequences(rule.any.map((sequence) => sequence.flatMap((symbol) => this.#symbols(symbol))));
  }

  #symbols(symbol: GrammarSymbol): number[] {
    return typeof symbol === 'string' ? [...Buffer.from(symbol)].map(byteSymbol) : [this.#single(symbol)];
  }

  #single(symbol: GrammarSymbol): number {
    if (typeof symbol === 'number') return symbol;
    if (typeof symbol === 'string') return this.#own(`text ${symbol}`, () => [this.#symbols(symbol)]);
    if ('in' in symbol) return this.#set(Buffer.from(symbol.in));
    const others = Array.from({ length: 128 }, (_, byte) => byte).filter((byte) => !symbol.notIn.includes(String.fromCharCode(byte)));
    return this.#own(`not ${symbol.notIn}`, () => [[this.#set(others)], [this.#wide()]]);
  }

  #wide(): number {
    return this.#own('wide', () => WIDE_CHARS.map((ranges) => ranges.map(([first, last]) => this.#set(Array.from({ length: last - first + 1 }, (_, i) => first + i)))));
  }

  #own(key: string, alternatives: () => number[][]): number {
    const known = this.#ruleOf.get(key);
    if (known !== undefined) return known;
    const rule = sequences(alternatives());
    const index = this.#grammar.length + this.#extra.push(rule) - 1;
    this.#ruleOf.set(key, index);
    return index;
  }

  #set(bytes: Iterable<number>): number {
    const words = new Array<number>(8).fill(0);
    for (const byte of bytes) words[byte >> 5] = (words[byte >> 5] ?? 0) | (1 << (byte & 31));
    const key = words.join();
    const index = this.#setOf.get(key) ?? this.#sets.push(words) - 1;
    this.#setOf.set(key, index);
    return setSymbol(index);
  }
}

const sequences = (alternatives: readonly (readonly number[])[]): number[] => [SEQUENCES, alternatives.length, ...alternatives.flatMap((symbols) => [symbols.length, ...symbols])];
