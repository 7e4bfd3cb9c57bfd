import type { Grammar, GrammarRule, GrammarSymbol } from '../../src-main/inference/index.ts';

/** How deep a text may be nested before the shortest way out is taken. */
const DEPTH = 12;
const MOST_REPEATS = 3;
const SAMPLES = ['a', 'Z', '0', ' ', 'é', '漢', '\u{1f600}', '"', '\\', '<', '>', '{', '}', ',', ':', '\n', '/'];

/** A text that a grammar takes; `random` gives numbers from 0 to 1. */
export function deriveText(grammar: Grammar, random: () => number): string {
  const costs = leastDepths(grammar);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const symbolText = (symbol: GrammarSymbol, depth: number): string => {
    if (typeof symbol === 'string') return symbol;
    if (typeof symbol === 'number') return ruleText(grammar[symbol] as GrammarRule, depth + 1);
    return 'in' in symbol ? pick([...symbol.in]) : pick(SAMPLES.filter((one) => !symbol.notIn.includes(one)));
  };
  const ruleText = (rule: GrammarRule, depth: number): string => {
    if ('repeat' in rule) {
      const more = depth > DEPTH ? 0 : Math.floor(random() * (MOST_REPEATS + 1));
      const times = Math.min(rule.max ?? Infinity, rule.min + more);
      return Array.from({ length: times }, () => symbolText(rule.repeat, depth)).join('');
    }
    const shortest = rule.any.toSorted((a, b) => costOf(a, costs) - costOf(b, costs))[0];
    const sequence = (depth > DEPTH ? shortest : pick(rule.any)) ?? [];
    return sequence.map((symbol) => symbolText(symbol, depth)).join('');
  };
  return ruleText(grammar[0] as GrammarRule, 0);
}

const costOf = (symbols: readonly GrammarSymbol[], costs: readonly number[]): number => Math.max(0, ...symbols.map((symbol) => (typeof symbol === 'number' ? costs[symbol] ?? Infinity : 0)));

/** Of each rule, how deep its flattest text is nested. */
function leastDepths(grammar: Grammar): number[] {
  const costs = grammar.map(() => Infinity);
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    grammar.forEach((rule, index) => {
      const cost = 1 + ('repeat' in rule ? (rule.min === 0 ? 0 : costOf([rule.repeat], costs)) : Math.min(...rule.any.map((symbols) => costOf(symbols, costs))));
      if (cost < (costs[index] ?? 0)) [costs[index], isChanged] = [cost, true];
    });
  }
  return costs;
}

/** Numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
