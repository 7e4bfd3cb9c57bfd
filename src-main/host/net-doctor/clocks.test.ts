import { expect, it } from 'vitest';
import { clockFindings } from './clocks.ts';

const at = (...seconds: number[]) => seconds.map((ahead, index) => ({ peerId: `p${index}`, aheadMs: ahead * 1000 }));
const texts = (...seconds: number[]): string[] => clockFindings(at(...seconds)).map(({ verdict, detail }) => `${verdict}: ${detail}`);

it('is well while clocks are close, and says how close', () => {
  expect(texts(0.4, -3.2, 1)).toEqual(['ok: this machine\'s is within 4 s of those of 3 members']);
  expect(clockFindings([])).toMatchObject([{ verdict: 'unknown' }]);
});

it('names the one that differs from all others, with seconds, direction and what to do', () => {
  expect(texts(0, 95, -1)).toEqual(['hint: that of p1 is likely wrong: 95 s ahead']);
  expect(clockFindings(at(0, -7200, 1))).toEqual([{ name: 'clocks', verdict: 'fail', detail: 'that of p1 is likely wrong: 2 h behind; more than 120 s apart, nodes do not see each other', next: expect.stringContaining('Set the clock there') }]);
});

it('suspects this machine where members agree on another time', () => {
  expect(texts(61, 60, 59)).toEqual(['hint: this machine\'s is likely wrong: 60 s behind what 3 of 3 members agree on']);
  expect(clockFindings(at(-300, -300))).toEqual([{ name: 'clocks', verdict: 'fail', detail: expect.stringContaining('300 s ahead of what 2 of 2 members agree on'), next: expect.stringContaining('timedatectl') }]);
  expect(texts(61, 60, 0, 59)).toMatchObject([expect.stringContaining('this machine\'s is likely wrong'), 'hint: that of p2 is likely wrong: 60 s behind']);
});

it('does not guess between two', () => {
  expect(texts(45)).toEqual(['hint: that of p0 is 45 s ahead of this machine\'s: one of the two is wrong']);
  expect(texts(45, -45).every((text) => text.includes('one of the two is wrong'))).toBe(true);
});
