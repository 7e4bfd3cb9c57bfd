import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf, simulate, sizeOf, type SimulatedShard, type SimulatedSource } from '../testing/simulate.ts';
import { bitmapBytes, hasBit, holds, setBit, type Held } from './holdings.ts';
import { Schedule, type LeafRef, type ScheduleOptions } from './schedule.ts';

const LEAF = 1000;
const OPTIONS: ScheduleOptions = { maxInFlight: 8, queueMs: 500, stallMs: 2000, seed: 1 };
const wanted = (leaves: number, lastBytes = LEAF, has: (leaf: number) => boolean = () => false): SimulatedShard => ({ sizeBytes: (leaves - 1) * LEAF + lastBytes, leafBytes: LEAF, has });
const leavesOf = ({ sizeBytes }: SimulatedShard): number => Math.ceil(sizeBytes / LEAF);

const shardOf = fc.record({ leaves: fc.integer({ min: 1, max: 40 }), lastBytes: fc.integer({ min: 1, max: LEAF }), here: fc.array(fc.nat(39), { maxLength: 20 }) })
  .map(({ leaves, lastBytes, here }) => wanted(leaves, lastBytes, (leaf) => here.includes(leaf)));
const heldOf = fc.oneof(fc.constant<Held>('all'), fc.constant<Held>('none'), fc.uint8Array({ minLength: 5, maxLength: 5 }));
const fateOf = fc.record({ afterLeaves: fc.nat(20), kind: fc.constantFrom('stalls' as const, 'leaves' as const, 'lies' as const) });
const networkOf = fc.array(shardOf, { minLength: 1, maxLength: 4 }).chain((shards) => fc.record({
  shards: fc.constant(shards), seed: fc.nat(),
  sources: fc.array(fc.record({
    speed: fc.integer({ min: 1, max: 100 }), delayMs: fc.nat(300), fate: fc.option(fateOf, { nil: undefined }),
    held: fc.array(heldOf, { minLength: shards.length, maxLength: shards.length }),
  }), { minLength: 1, maxLength: 5 }),
}));
const named = (sources: ReadonlyArray<Omit<SimulatedSource, 'id' | 'fate'> & { fate?: SimulatedSource['fate'] | undefined }>): SimulatedSource[] =>
  sources.map(({ fate, ...source }, index) => ({ ...source, id: `p${index}`, ...(fate === undefined ? {} : { fate }) }));
const honest: SimulatedSource = { id: 'honest', speed: 5, delayMs: 10, held: Array.from({ length: 4 }, () => 'all' as const) };

describe('Schedule', () => {
  it('brings every leaf exactly once, whatever all sources but one do', () => {
    fc.assert(fc.property(networkOf, ({ shards, seed, sources }) => {
      const { schedule, fresh, asked, delivered } = simulate(shards, [...named(sources), honest], { ...OPTIONS, seed });
      const lacking = shards.flatMap((shard, index) => Array.from({ length: leavesOf(shard) }, (_, leaf) => leaf).filter((leaf) => !shard.has(leaf)).map((leaf) => keyOf({ shard: index, leaf })));
      expect(schedule.missing).toBe(0);
      expect([...fresh].sort()).toEqual(lacking.sort());
      expect(asked.every(({ source, shard, leaf }) => holds([...named(sources), honest].find(({ id }) => id === source)!.held[shard]!, leaf))).toBe(true);
      // What came twice was asked at the end, or of a source that stalled and came back.
      if (sources.every(({ fate }) => fate === undefined)) expect(delivered - lacking.length).toBeLessThanOrEqual(asked.filter(({ isEndgame }) => isEndgame).length);
    }), { numRuns: 300, seed: 4 });
  });

  it('asks within bounds, the rarest leaf first, and twice only at the end', () => {
    fc.assert(fc.property(networkOf, ({ shards, seed, sources }) => {
      // Sources that stay: then every leaf is in exactly one of the states that are counted here.
      const all = [...named(sources.map(({ fate: _, ...source }) => source)), honest];
      const rarity = (shard: number, leaf: number): number => all.filter(({ held }) => holds(held[shard]!, leaf)).length;
      const seen = new Set<string>();
      simulate(shards, all, { ...OPTIONS, stallMs: 1e9, seed, onAsk: (schedule, one) => {
        const again = seen.has(keyOf(one));
        seen.add(keyOf(one));
        if (again) expect(one.isEndgame).toBe(true);
        if (one.isEndgame) return;
        expect(again).toBe(false);
        const { held } = all.find(({ id }) => id === one.source)!;
        shards.forEach((shard, index) => {
          for (let leaf = 0; leaf < leavesOf(shard); leaf++) {
            const isOpen = !shard.has(leaf) && !seen.has(keyOf({ shard: index, leaf })) && holds(held[index]!, leaf);
            if (isOpen) expect(rarity(one.shard, one.leaf)).toBeLessThanOrEqual(rarity(index, leaf));
          }
        });
        expect(schedule.missing).toBeGreaterThan(0);
      } });
    }), { numRuns: 200, seed: 5 });
  });

  it('never asks a source for more at once than allowed', () => {
    const schedule = new Schedule([wanted(100)], OPTIONS);
    schedule.add('p', 0);
    schedule.holdings('p', 0, 'all');
    const take = (nowMs: number): LeafRef[] => Array.from({ length: 100 }, () => schedule.next('p', nowMs)).filter((ref) => ref !== undefined);
    const first = take(0);
    expect(first).toHaveLength(4);
    // A leaf in a millisecond: 500 of them would fill the time, more than a source is ever asked for.
    schedule.received('p', first[0]!, 1);
    expect(take(1)).toHaveLength(OPTIONS.maxInFlight - 3);
    expect(take(1)).toEqual([]);
  });

  it('uses the speed of all: never much slower than all of them together, never slower than the fastest alone', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }), fc.nat(), (speeds, seed) => {
      const shards = [wanted(200)];
      const sources = named(speeds.map((speed) => ({ speed, delayMs: 5, held: ['all'] })));
      const { endMs } = simulate(shards, sources, { ...OPTIONS, seed });
      const idealMs = (200 * LEAF) / speeds.reduce((sum, speed) => sum + speed, 0);
      const alone = simulate(shards, [sources.reduce((best, one) => (one.speed > best.speed ? one : best))], { ...OPTIONS, seed });
      // The end costs what the slowest leaf under way costs, or asking for it once more.
      const oneLeafMs = LEAF / Math.max(...speeds);
      expect(endMs).toBeLessThanOrEqual(idealMs * 1.25 + 4 * oneLeafMs + 100);
      expect(endMs).toBeLessThanOrEqual(alone.endMs + 3 * oneLeafMs + 20);
    }), { numRuns: 200, seed: 6 });
  });

  it('gives what a stalled source was asked to others in less than 3 s', () => {
    const stalling: SimulatedSource = { id: 'stalling', speed: 50, delayMs: 1, held: ['all'], fate: { afterLeaves: 5, kind: 'stalls' } };
    const { asked, schedule } = simulate([wanted(400)], [stalling, { ...honest, held: ['all'] }], OPTIONS);
    const ofStalling = asked.filter(({ source }) => source === 'stalling');
    const lastMs = Math.max(...ofStalling.map(({ atMs }) => atMs));
    expect(lastMs).toBeLessThan(1000);
    expect(schedule.missing).toBe(0);
    const again = asked.filter((one) => one.source === 'honest' && ofStalling.some((other) => keyOf(other) === keyOf(one)));
    expect(again).toHaveLength(ofStalling.length - 5);
    for (const { atMs } of again.slice(0, 2)) expect(atMs - lastMs).toBeLessThan(3000);
  });

  it('takes what a stalled source delivers after all, and relies on it again', () => {
    const schedule = new Schedule([wanted(3)], OPTIONS);
    schedule.add('slow', 0);
    schedule.holdings('slow', 0, 'all');
    const first = schedule.next('slow', 0)!;
    expect(schedule.stalled(1999)).toEqual([]);
    expect(schedule.stalled(2000)).toEqual(['slow']);
    expect(schedule.stalled(2100)).toEqual([]);
    expect(schedule.next('slow', 2100)).toBeUndefined();
    schedule.add('other', 2100);
    schedule.holdings('other', 0, 'all');
    const others = [schedule.next('other', 2100)!, schedule.next('other', 2100)!, schedule.next('other', 2100)!];
    expect(others).toContainEqual(first);
    expect(schedule.received('slow', first, 2200)).toEqual({ isNew: true, cancel: ['other'] });
    expect(schedule.received('other', first, 2300)).toEqual({ isNew: false, cancel: [] });
    expect(schedule.missing).toBe(2);
  });

  it('knows what nobody has', () => {
    const schedule = new Schedule([wanted(10)], OPTIONS);
    expect(schedule.orphans).toBe(10);
    schedule.add('part', 0);
    const bits = new Uint8Array(bitmapBytes(10));
    [0, 3, 9].forEach((leaf) => setBit(bits, leaf));
    schedule.holdings('part', 0, bits);
    expect(schedule.orphans).toBe(7);
    const asked = [schedule.next('part', 0)!, schedule.next('part', 0)!, schedule.next('part', 0)!];
    expect(asked.every(({ leaf }) => hasBit(bits, leaf))).toBe(true);
    expect(schedule.next('part', 0)).toBeUndefined();
    schedule.refused('part', asked[0]!, 5);
    expect(schedule.orphans).toBe(8);
    schedule.drop('part');
    expect(schedule.orphans).toBe(10);
    expect(sizeOf([wanted(10, 7)], { shard: 0, leaf: 9 })).toBe(7);
  });

  it('plans a large model within a moment', () => {
    const shards = Array.from({ length: 50 }, () => wanted(2000));
    const schedule = new Schedule(shards, { ...OPTIONS, maxInFlight: 64 });
    for (const id of ['a', 'b']) {
      schedule.add(id, 0);
      shards.forEach((_, shard) => schedule.holdings(id, shard, 'all'));
    }
    for (let nowMs = 1; schedule.missing > 0; nowMs++) {
      for (const id of ['a', 'b']) for (let ref = schedule.next(id, nowMs); ref !== undefined; ref = schedule.next(id, nowMs)) schedule.received(id, ref, nowMs);
    }
    expect(schedule.orphans).toBe(0);
  });
});
