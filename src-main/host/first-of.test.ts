import { expect, it } from 'vitest';
import { firstOf } from './first-of.ts';

const never = (signal: AbortSignal): Promise<undefined> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
const quick = { headStartMs: 1 };
const patient = { headStartMs: 60_000 };

it('takes the first that has it; who failed or found nothing is not waited for, who is slow neither', async () => {
  const failed = (): Promise<never> => Promise.reject(new RangeError('dead'));
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  expect(await firstOf([failed, nothing, () => Promise.resolve(3)], patient)).toBe(3);
  let calledOff = false;
  const slow = (signal: AbortSignal): Promise<undefined> => { signal.addEventListener('abort', () => { calledOff = true; }); return never(signal); };
  expect(await firstOf([slow, () => Promise.resolve(2)], quick)).toBe(2);
  expect(calledOff).toBe(true);
});

it('is undefined when none has it, throws the last failure, and ends with the signal', async () => {
  expect(await firstOf([], quick)).toBeUndefined();
  expect(await firstOf([() => Promise.resolve(undefined)], quick)).toBeUndefined();
  await expect(firstOf([() => Promise.reject(new RangeError('a')), () => Promise.resolve(undefined)], quick)).rejects.toThrow('a');
  await expect(firstOf([never], { ...quick, signal: AbortSignal.abort(new RangeError('over')) })).rejects.toThrow('over');
});
