import { describe, expect, it } from 'vitest';
import { PaceWatch, type StageSample } from './pace.ts';

const at = (rows: number, computeUs: number, more: Partial<StageSample> = {}): StageSample => ({ rows, computeUs, busyUs: 0, rttMs: 1, ...more });

describe('a stage counts as slow', () => {
  it('when its rows took ten times as long twice in a row', () => {
    const watch = new PaceWatch();
    expect(watch.observe([at(0, 0), at(0, 0)])).toBeUndefined();
    expect(watch.observe([at(10, 50_000), at(10, 50_000)])).toBeUndefined();
    expect(watch.observe([at(12, 60_000), at(12, 250_000)])).toBeUndefined();
    expect(watch.observe([at(14, 70_000), at(14, 450_000)])).toEqual({ stage: 1, costMs: 101, bestMs: 6 });
  });

  it('when the way to it became long', () => {
    const watch = new PaceWatch();
    for (const [i, rttMs] of [1, 1, 200, 200].entries()) {
      const slow = watch.observe([at(i * 10, i * 10_000), at(i * 10, i * 10_000, { rttMs })]);
      expect(slow?.stage).toBe(i === 3 ? 1 : undefined);
    }
  });

  it('when it is in one pass for long', () => {
    const watch = new PaceWatch();
    watch.observe([at(0, 0)]);
    watch.observe([at(10, 20_000)]);
    watch.observe([at(10, 20_000, { busyUs: 1_000_000 })]);
    expect(watch.observe([at(10, 20_000, { busyUs: 6_000_000 })])).toMatchObject({ stage: 0 });
  });

  it('and not after one slow moment, when it waits, when it is fast enough anyway, or when a new run begins', () => {
    const once = new PaceWatch();
    for (const us of [0, 50_000, 1_050_000, 1_100_000]) expect(once.observe([at(us === 0 ? 0 : Math.floor(us / 1000), us)])).toBeUndefined();
    const waits = new PaceWatch();
    for (const rows of [0, 10, 10, 10, 10]) expect(waits.observe([at(rows, rows * 1000)])).toBeUndefined();
    const fast = new PaceWatch();
    for (const [rows, us] of [[0, 0], [10, 1_000], [20, 101_000], [30, 201_000]] as const) expect(fast.observe([at(rows, us, { rttMs: 0 })])).toBeUndefined();
    const next = new PaceWatch();
    for (const [rows, us] of [[0, 0], [100, 100_000], [2, 900_000], [102, 1_000_000]] as const) expect(next.observe([at(rows, us)])).toBeUndefined();
  });

  it('also when a stage says nothing for a while', () => {
    const watch = new PaceWatch();
    watch.observe([at(0, 0)]);
    watch.observe([at(10, 20_000)]);
    watch.observe([at(11, 120_000)]);
    expect(watch.observe([undefined])).toBeUndefined();
    expect(watch.observe([at(12, 220_000)])).toMatchObject({ stage: 0, costMs: 101 });
  });
});
