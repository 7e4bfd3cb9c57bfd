import { expect, it } from 'vitest';
import { SerialQueue } from './serial-queue.ts';

it('keeps the order and goes on after a failure', async () => {
  const queue = new SerialQueue();
  const log: number[] = [];
  const first = Promise.withResolvers<void>();
  const a = queue.add(async () => { await first.promise; log.push(1); });
  const b = queue.add(() => Promise.reject(new Error('two')));
  const c = queue.add(() => Promise.resolve(log.push(3)));
  first.resolve();
  await expect(b).rejects.toThrow('two');
  await Promise.all([a, c]);
  expect(log).toEqual([1, 3]);
});
