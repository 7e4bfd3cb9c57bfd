import { expect, it } from 'vitest';
import { Askers } from './askers.ts';
import type { Asked } from './types.ts';

const asking = (left: AbortController): Asked => ({ prompt: { kind: 'chat', messages: [] }, maxTokens: 1, signal: left.signal });
const never = (): Promise<never> => new Promise(() => undefined);

it('lets whoever leaves wait for nothing, and says when all have', async () => {
  const [askers, first, second] = [new Askers(), new AbortController(), new AbortController()];
  const waits = [askers.wait(asking(first), never), askers.wait(asking(second), never)];
  const { allLeft } = askers;
  first.abort(new Error('first left'));
  await expect(waits[0]).rejects.toThrow('first left');
  expect(allLeft.aborted).toBe(false);
  second.abort(new Error('second left'));
  await expect(waits[1]).rejects.toThrow('second left');
  expect(allLeft.aborted).toBe(true);
});

it('begins anew with the next that asks, and does nothing for one that has left before', async () => {
  const [askers, gone] = [new Askers(), new AbortController()];
  gone.abort(new Error('left before'));
  await expect(askers.wait(asking(gone), never)).rejects.toThrow('left before');
  const there = new AbortController();
  expect(await askers.wait(asking(there), () => Promise.resolve('answered'))).toBe('answered');
  there.abort();
  expect(askers.allLeft.aborted).toBe(false);
});
