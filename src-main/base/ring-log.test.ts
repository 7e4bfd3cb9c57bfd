import { expect, it } from 'vitest';
import { RingLog } from './index.ts';

it('keeps the newest entries, oldest first', () => {
  const log = new RingLog<number>(3);
  expect(log.toArray()).toEqual([]);
  for (const [pushed, kept] of [[1, [1]], [2, [1, 2]], [3, [1, 2, 3]], [4, [2, 3, 4]], [5, [3, 4, 5]], [6, [4, 5, 6]], [7, [5, 6, 7]]] as const) {
    log.push(pushed);
    expect(log.toArray()).toEqual(kept);
    expect(log.length).toBe(kept.length);
  }
});
