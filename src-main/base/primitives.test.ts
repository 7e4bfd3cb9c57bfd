import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backoffMs, BoundedQueue, createLogger, Events, ManualClock, RateLimiter, writeAtomically } from './index.ts';

describe('BoundedQueue', () => {
  it('refuses beyond its limit and drains after end', async () => {
    const queue = new BoundedQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
    queue.end();
    const seen: number[] = [];
    for await (const n of queue) seen.push(n);
    expect(seen).toEqual([1, 2]);
  });

  it('hands an error to the reader that waits', async () => {
    const queue = new BoundedQueue<number>(1);
    const next = queue.next();
    queue.end(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
    await expect(queue.next()).rejects.toThrow('gone');
  });
});

describe('RateLimiter', () => {
  it('refills with time, per key', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ perSecond: 10, burst: 2 }, clock);
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a'), limiter.take('b')]).toEqual([true, true, false, true]);
    clock.advance(100);
    expect([limiter.take('a'), limiter.take('a')]).toEqual([true, false]);
  });
});

describe('Events', () => {
  it('keeps serving listeners when one throws', async () => {
    const errors: unknown[] = [];
    const events = new Events<{ tick: number }>((e) => errors.push(e));
    const seen: number[] = [];
    events.on('tick', () => { throw new Error('bad listener'); });
    events.on('tick', (n) => seen.push(n));
    const third = events.once('tick', { accept: (n) => n === 3 });
    [1, 2, 3].forEach((n) => events.emit('tick', n));
    expect(await third).toBe(3);
    expect(seen).toEqual([1, 2, 3]);
    expect(errors).toHaveLength(3);
  });

  it('stops waiting when aborted', async () => {
    const events = new Events<{ tick: number }>();
    await expect(events.once('tick', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('writeAtomically', () => {
  it('leaves nothing behind when the writer fails', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'omninode-files-'));
    await writeAtomically(join(dir, 'good'), async (f) => { await f.write('whole'); });
    await expect(writeAtomically(join(dir, 'bad'), async (f) => { await f.write('half'); throw new Error('disk'); })).rejects.toThrow('disk');
    expect(await readdir(dir)).toEqual(['good']);
    expect(await readFile(join(dir, 'good'), 'utf8')).toBe('whole');
  });
});

it('backs off exponentially up to the cap', () => {
  const delays = [0, 1, 2, 10].map((n) => backoffMs(n, { firstMs: 100, maxMs: 1000, jitter: 0 }));
  expect(delays).toEqual([100, 200, 400, 1000]);
});

it('keeps secrets out of the log', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => lines.push(line) });
  log.info({ config: { token: 'hunter2' }, privateKey: 'k' }, 'start');
  expect(lines.join('')).not.toMatch(/hunter2|"k"/);
});
