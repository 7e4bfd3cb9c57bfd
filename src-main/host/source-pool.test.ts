import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourcePool, type PoolLimits, type SourceFacts } from './source-pool.ts';

const FAST: SourceFacts = { bytesPerSecond: 1e6, isStalled: false, isUseful: true };
const USELESS: SourceFacts = { bytesPerSecond: undefined, isStalled: false, isUseful: false };
const full = { random: () => 1 };

/** A pool with `active` open since 0, and others that wait. */
function pool(limits: Partial<PoolLimits>, active: readonly string[], waiting: readonly string[] = []): SourcePool {
  const made = new SourcePool({ maxActive: active.length, ...limits }, full.random);
  for (const key of [...active, ...waiting]) made.add(key);
  for (const key of active) {
    expect(made.next(0)).toBe(key);
    made.opened(key, 0);
  }
  return made;
}
const factsOf = (facts: Record<string, Partial<SourceFacts>>): Map<string, SourceFacts> => new Map(Object.entries(facts).map(([key, some]) => [key, { ...FAST, ...some }]));

describe('SourcePool', () => {
  it('begins in the order in which they came, as many as there are places', () => {
    const made = new SourcePool({ maxActive: 2 });
    expect(['a', 'b', 'a', 'c'].map((key) => made.add(key))).toEqual([true, true, false, true]);
    expect(made.vacancies(0)).toBe(2);
    expect([made.next(0), made.next(0), made.next(0)]).toEqual(['a', 'b', undefined]);
    expect([made.vacancies(0), made.isCrowded(0)]).toEqual([0, true]);
  });

  it('takes a lost one that delivered again before those that were not tried, once it has rested', () => {
    const made = pool({}, ['a', 'b'], ['c']);
    made.note(factsOf({ a: {}, b: { bytesPerSecond: undefined } }));
    made.ended('b', 100, 'lost');
    made.ended('a', 100, 'lost');
    expect(made.next(100)).toBe('c');
    expect(made.next(100 + 249)).toBeUndefined();
    expect(made.next(100 + 250)).toBe('a');
    made.ended('c', 400, 'refused');
    expect(made.next(1e9)).toBe('b');
    made.ended('b', 1e9, 'refused');
    expect(made.next(2e9)).toBeUndefined();
  });

  it('puts aside who has nothing at once for one that was not tried, after a while for one that was', () => {
    const facts = factsOf({ a: {}, b: USELESS });
    const made = pool({}, ['a', 'b'], ['c']);
    expect(made.swap(1, facts)).toEqual({ out: 'b', in: 'c' });
    made.opened('c', 1);
    // Only b waits, after its rest.
    const both = factsOf({ a: {}, c: USELESS });
    expect(made.swap(30_000, both)).toBeUndefined();
    expect(made.swap(30_001, both)).toEqual({ out: 'c', in: 'b' });
    made.opened('b', 30_001);
    expect(made.swap(70_000, factsOf({ a: {}, b: {} }))).toBeUndefined();
  });

  it('puts one aside that gave all it has, and does not take it back before those that were not tried', () => {
    const made = pool({}, ['a', 'b'], ['c']);
    const done = factsOf({ a: {}, b: { isUseful: false } });
    made.note(done);
    expect(made.swap(1, done)).toEqual({ out: 'b', in: 'c' });
    made.opened('c', 1);
    made.add('d');
    expect(made.swap(50_000, factsOf({ a: {}, c: USELESS }))).toEqual({ out: 'c', in: 'd' });
    made.opened('d', 50_000);
    // For one that gave all it has a useless one stays its time.
    expect(made.swap(59_999, factsOf({ a: {}, d: USELESS }))).toBeUndefined();
    expect(made.swap(60_000, factsOf({ a: {}, d: USELESS }))).toEqual({ out: 'd', in: 'b' });
  });

  it('puts aside who does not open, or is silent; but not all that delivered when they are silent at once', () => {
    const opening = new SourcePool({ maxActive: 1 });
    opening.add('a');
    opening.add('b');
    opening.next(0);
    expect(opening.swap(1999, new Map())).toBeUndefined();
    expect(opening.swap(2000, new Map())).toEqual({ out: 'a', in: 'b' });
    const silent = { isStalled: true };
    expect(pool({}, ['a', 'b', 'c'], ['d']).swap(1, factsOf({ a: {}, b: {}, c: silent }))).toEqual({ out: 'c', in: 'd' });
    expect(pool({}, ['a', 'b', 'c'], ['d']).swap(1, factsOf({ a: {}, b: silent, c: silent }))).toBeUndefined();
    expect(pool({}, ['a', 'b'], ['c']).swap(1, factsOf({ a: silent, b: { ...silent, bytesPerSecond: undefined } }))).toEqual({ out: 'b', in: 'c' });
  });

  it('puts aside the slowest, far below the rest, one at a time, and takes it back for a slower one only', () => {
    const speeds = (of: Record<string, number>): Map<string, SourceFacts> => factsOf(Object.fromEntries(Object.entries(of).map(([key, bytesPerSecond]) => [key, { bytesPerSecond }])));
    const made = pool({}, ['a', 'b', 'c', 'd'], ['e', 'f']);
    const facts = speeds({ a: 900, b: 1000, c: 30, d: 20 });
    made.note(facts);
    expect(made.swap(9999, facts)).toBeUndefined();
    expect(made.swap(10_000, facts)).toEqual({ out: 'd', in: 'e' });
    made.opened('e', 10_000);
    expect(made.swap(11_000, facts)).toBeUndefined();
    expect(made.swap(12_000, facts)).toEqual({ out: 'c', in: 'f' });
    made.opened('f', 12_000);
    expect(made.swap(60_000, speeds({ a: 900, b: 1000, e: 30, f: 800 }))).toBeUndefined();
    expect(made.swap(60_000, speeds({ a: 900, b: 1000, e: 10, f: 800 }))).toEqual({ out: 'e', in: 'c' });
  });

  it('tries somebody now and then where all are alike, and goes back when that was worse', () => {
    const alike = factsOf({ a: {}, b: {} });
    const made = pool({}, ['a', 'b'], ['c']);
    made.note(alike);
    expect(made.swap(29_999, alike)).toBeUndefined();
    expect(made.swap(30_000, alike)).toEqual({ out: 'a', in: 'c' });
    made.opened('c', 30_000);
    const worse = factsOf({ b: {}, c: { bytesPerSecond: 1e5 } });
    expect(made.swap(59_999, worse)).toBeUndefined();
    expect(made.swap(60_000, worse)).toEqual({ out: 'c', in: 'a' });
    expect(made.swap(1e6, alike)).toBeUndefined();
  });

  it('knows no more than it may, uses no more than it may, never one that refused, and tries everybody', () => {
    const fate = fc.constantFrom('useful', 'slow', 'useless', 'silent', 'deaf', 'lost', 'liar', 'unreachable');
    fc.assert(fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 8 }), fc.nat(), (fates, maxActive, seed) => {
      let state = seed;
      const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
      const made = new SourcePool({ maxActive, maxKnown: 50, exploreEveryMs: 5000 }, random);
      const known = fates.filter((_, index) => made.add(String(index))).length;
      expect(known).toBe(Math.min(50, fates.length));
      const [active, tried, refused] = [new Map<string, number>(), new Set<string>(), new Set<string>()];
      const fateOf = (key: string): string => fates[Number(key)] ?? '';
      const begin = (key: string, nowMs: number): void => {
        expect(active.has(key) || refused.has(key)).toBe(false);
        active.set(key, nowMs);
        tried.add(key);
        if (!['deaf', 'unreachable'].includes(fateOf(key))) made.opened(key, nowMs);
      };
      const over = (key: string, nowMs: number, how: 'lost' | 'refused'): void => {
        active.delete(key);
        if (how === 'refused') refused.add(key);
        made.ended(key, nowMs, how);
      };
      const facts = (): Map<string, SourceFacts> => new Map([...active.keys()].filter((key) => !['deaf', 'unreachable'].includes(fateOf(key))).map((key) => {
        const of = fateOf(key);
        return [key, { bytesPerSecond: of === 'useful' ? 1e6 : of === 'slow' ? 1e3 : undefined, isStalled: of === 'silent', isUseful: of !== 'useless' }];
      }));
      for (let nowMs = 0; nowMs < 1_500_000; nowMs += 1000) {
        made.note(facts());
        for (const [key, sinceMs] of [...active]) {
          const of = fateOf(key);
          if (of === 'liar') over(key, nowMs, 'refused');
          else if (of === 'unreachable' || (of === 'lost' && nowMs > sinceMs + 1000) || (of === 'deaf' && nowMs >= sinceMs + 10_000)) over(key, nowMs, 'lost');
        }
        while (made.vacancies(nowMs) > 0) begin(made.next(nowMs)!, nowMs);
        const swap = made.swap(nowMs, facts());
        if (swap !== undefined) {
          expect(active.delete(swap.out)).toBe(true);
          begin(swap.in, nowMs);
        }
        expect(active.size).toBeLessThanOrEqual(maxActive);
      }
      expect(tried.size).toBe(known);
      // In the end those are used that give most.
      const useful = [...active.keys()].filter((key) => fateOf(key) === 'useful').length;
      expect(useful).toBe(Math.min(fates.slice(0, known).filter((of) => of === 'useful').length, maxActive));
    }), { seed: 9, numRuns: 100 });
  });
});
