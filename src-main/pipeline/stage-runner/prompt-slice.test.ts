import { expect, it } from 'vitest';
import { SliceMeter } from './prompt-slice.ts';

const after = (...passes: (readonly [rows: number, ms: number])[]): number | undefined => {
  const meter = new SliceMeter(100);
  for (const [rows, ms] of [[256, 5_000] as const, ...passes]) meter.add(rows, ms);
  return meter.rows;
};

it('is not known before a warm pass', () => {
  expect(after()).toBeUndefined();
});

it('is the power of two that the slice has time for', () => {
  expect(after([256, 256])).toBe(64);
  expect(after([256, 200])).toBe(128);
  expect(after([256, 201])).toBe(64);
  expect(after([256, 1])).toBe(4096);
});

it('is never so small that the weights are read for next to nothing', () => {
  expect(after([256, 60_000])).toBe(8);
});

it('shrinks at once and grows when it is clear', () => {
  expect(after([256, 200], [256, 320])).toBe(64);
  const slower: [number, number][] = [[256, 200], [256, 400]];
  expect(after(...slower, [256, 190])).toBe(64);
  expect(after(...slower, ...Array.from({ length: 20 }, () => [256, 190] as const))).toBe(64);
  expect(after(...slower, ...Array.from({ length: 20 }, () => [256, 130] as const))).toBe(128);
});

it('takes little notice of small passes, which cost more per row', () => {
  expect(after([256, 150], [2, 10], [3, 10])).toBe(128);
});
