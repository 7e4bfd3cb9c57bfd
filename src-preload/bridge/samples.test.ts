import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stepOf, thin, type PipelineSample } from './index.ts';

const sample = (atMs: number, rest: Partial<PipelineSample> = {}): PipelineSample => ({ atMs, spanMs: 2_000, ...rest });

it('means rates by time, keeps the highest memory, and leaves out what was not measured', () => {
  expect(thin([sample(12_000, { tokensPerSecond: 10, hostBytes: 5, ttftMs: 100 }), { atMs: 15_000, spanMs: 3_000, tokensPerSecond: 20, hostBytes: 3 }], 6_000)).toEqual([
    { atMs: 15_000, spanMs: 5_000, tokensPerSecond: 16, hostBytes: 5, ttftMs: 100 },
  ]);
});

it('leaves a gap where there was nothing', () => {
  expect(thin([sample(6_000), sample(8_000), sample(60_000)], 6_000).map(({ atMs, spanMs }) => [atMs, spanMs])).toEqual([[8_000, 4_000], [60_000, 2_000]]);
});

it('keeps order, time and totals, and changes nothing when done again', () => {
  const lists = fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 400_000 }), tokensPerSecond: fc.integer({ min: 0, max: 100 }) }), { maxLength: 80 });
  fc.assert(fc.property(lists, fc.constantFrom(2_000, 6_000, 24_000), (list, stepMs) => {
    const samples = list.toSorted((a, b) => a.atMs - b.atMs).map((one) => sample(one.atMs, one));
    const once = thin(samples, stepMs);
    const tokens = (all: readonly PipelineSample[]): number => all.reduce((sum, { tokensPerSecond = 0, spanMs }) => sum + tokensPerSecond * spanMs, 0);
    expect(thin(once, stepMs)).toEqual(once);
    expect(once.map(({ atMs }) => atMs)).toEqual(once.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(tokens(once)).toBeCloseTo(tokens(samples), 3);
  }));
});

it('shows a span in about 150 points', () => {
  expect([60_000, 300_000, 900_000, 3_600_000].map(stepOf)).toEqual([2_000, 2_000, 6_000, 24_000]);
});
