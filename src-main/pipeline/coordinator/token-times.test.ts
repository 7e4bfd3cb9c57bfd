import { expect, it } from 'vitest';
import { TokenTimes } from './token-times.ts';

const timesOf = (gapsUs: readonly (number | undefined)[], isTraced = false): TokenTimes => {
  const times = new TokenTimes({ isTraced });
  gapsUs.forEach((gapUs, i) => times.add({ position: i, heardMs: 10 + i, gapUs }));
  return times;
};

it('takes percentiles of what was measured, and has none without', () => {
  expect(timesOf([]).itlMs).toBeUndefined();
  expect(timesOf([undefined, undefined]).itlMs).toBeUndefined();
  expect(timesOf([undefined, 7000]).itlMs).toEqual({ p50: 7, p99: 7 });
  expect(timesOf(Array.from({ length: 100 }, (_, i) => (100 - i) * 1000)).itlMs).toEqual({ p50: 50, p99: 99 });
});

it('forgets the oldest gaps of a long answer', () => {
  expect(timesOf([...Array<number>(4096).fill(1_000_000), ...Array<number>(4096).fill(2000)]).itlMs).toEqual({ p50: 2, p99: 2 });
});

it('remembers each token of a traced answer alone', () => {
  expect(timesOf([undefined, 5]).heard).toEqual([]);
  const { heard, firstMs, lastMs } = timesOf([undefined, 5], true);
  expect(heard).toEqual([{ position: 0, heardMs: 10, gapUs: undefined }, { position: 1, heardMs: 11, gapUs: 5 }]);
  expect({ firstMs, lastMs }).toEqual({ firstMs: 10, lastMs: 11 });
});
