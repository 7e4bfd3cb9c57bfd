import { expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { Throttle } from './throttle.ts';

const MB = 1_000_000;

it('lets a burst pass and then holds the rate, whoever asks', () => {
  const clock = new ManualClock(1000);
  const throttle = new Throttle(10 * MB, clock);
  let sentBytes = 0;
  for (let second = 0; second < 5; second++) {
    const endMs = clock.monotonicMs() + 1000;
    while (clock.monotonicMs() < endMs) {
      const waitMs = throttle.reserveMs(100_000);
      clock.advance(waitMs);
      sentBytes += 100_000;
      if (waitMs === 0) continue;
    }
  }
  expect(sentBytes / (5 * 10 * MB)).toBeGreaterThan(0.99);
  expect(sentBytes / (5 * 10 * MB)).toBeLessThan(1.05);
  clock.advance(60_000);
  expect(throttle.reserveMs(MB)).toBe(0);
  expect(throttle.reserveMs(MB)).toBeCloseTo(100);
});

it('waits for nothing without a cap', () => {
  const throttle = new Throttle(undefined, new ManualClock());
  expect(throttle.reserveMs(1e12)).toBe(0);
});
