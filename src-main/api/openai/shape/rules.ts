import type { Grammar, GrammarRule, GrammarSymbol } from '../../../inference/index.ts';

export type Sequence = readonly GrammarSymbol[];

/** Collects the rules of a grammar; rule 0, the answer's, is defined last. */
export class Rules {
  readonly #rules: GrammarRule[] = [{ any: [] }];
  readonly #named = new Map<string, number>();

  /** One of these. */
  any(alternatives: readonly Sequence[]): number {
    return this.#rules.push({ any: alternatives }) - 1;
  }

  repeat(symbol: GrammarSymbol, min: number, max?: number): number {
    return this.#rules.push({ repeat: symbol, min, ...(max === undefined ? {} : { max }) }) - 1;
  }

  optional(...sequence: Sequence): number {
    return this.any([[], sequence]);
  }

  /** A rule that others may name before it is known. */
  reserve(): number {
    return this.any([]);
  }

  define(index: number, alternatives: readonly Sequence[]): void {
    this.#rules[index] = { any: alternatives };
  }

  /** The same rule for the same name, made once. */
  named(name: string, alternatives: () => readonly Sequence[]): number {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const index = this.reserve();
    this.#named.set(name, index);
    this.define(index, alternatives());
    return index;
  }

  grammar(answer: readonly Sequence[]): Grammar {
    this.define(0, answer);
    return this.#rules;
  }
}
