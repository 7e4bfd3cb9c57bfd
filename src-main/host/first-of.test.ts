import * as fc from 'fast-check';
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

it('gives each attempt the head start that is its own, and lets go of what comes too late', async () => {
  const asked: number[] = [];
  const late = Promise.withResolvers<number>();
  const stubborn = Promise.withResolvers<number>();
  const headStartMs = (attempt: number): number => { asked.push(attempt); return 1; };
  expect(await firstOf([() => stubborn.promise, never, () => Promise.resolve(3)], { headStartMs, discard: late.resolve })).toBe(3);
  expect(asked).toEqual([0, 1, 2]);
  stubborn.resolve(1);
  expect(await late.promise).toBe(1);
});

it('lets go of what comes after the caller called it off', async () => {
  const [caller, stubborn, late] = [new AbortController(), Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const taken = firstOf([() => stubborn.promise], { ...quick, signal: caller.signal, discard: late.resolve });
  caller.abort(new RangeError('over'));
  stubborn.resolve(1);
  expect(await late.promise).toBe(1);
  await expect(taken).rejects.toThrow('over');
});

it('finds what any attempt has, whatever the others do, and keeps exactly one', async () => {
  const kind = fc.constantFrom('has', 'nothing', 'fails', 'silent', 'late');
  await fc.assert(fc.asyncProperty(fc.array(kind, { maxLength: 8 }), async (kinds) => {
    const letGo: number[] = [];
    const given: number[] = [];
    const give = (index: number): Promise<number> => { given.push(index); return Promise.resolve(index); };
    const attempts = kinds.map((of, index) => (signal: AbortSignal): Promise<number | undefined> => {
      switch (of) {
        case 'has': return give(index);
        case 'nothing': return Promise.resolve(undefined);
        case 'fails': return Promise.reject(new RangeError(String(index)));
        case 'silent': return never(signal);
        default: return new Promise((resolve) => void setImmediate(() => resolve(give(index))));
      }
    });
    // Where nobody has it, silent ones are waited for; there is no caller to call them off here.
    const isFound = kinds.some((of) => of === 'has' || of === 'late');
    if (!isFound && kinds.includes('silent')) return;
    const found = await firstOf(attempts, { headStartMs: 2, discard: (one) => letGo.push(one) }).catch(() => undefined);
    await new Promise(setImmediate);
    expect(found !== undefined).toBe(isFound);
    expect([...letGo, ...(found === undefined ? [] : [found])].toSorted()).toEqual(given.toSorted());
  }), { seed: 4, numRuns: 150 });
});
