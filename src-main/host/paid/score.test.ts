import { expect, test } from 'vitest';
import { scoreOf } from './score.ts';

test.each([
  [{ answers: 0, well: 0, bad: 0 }, undefined], [{ answers: 1, well: 1, bad: 0 }, 10n ** 18n], [{ answers: 4, well: 3, bad: 1 }, 5n * 10n ** 17n],
  // One that was rated, and whose end was never counted.
  [{ answers: 1, well: 0, bad: 1 }, 0n], [{ answers: 3, well: 3, bad: 1 }, 666_666_666_666_666_666n],
])('%j scores %s', (counts, score) => {
  expect(scoreOf(counts)).toBe(score);
});
