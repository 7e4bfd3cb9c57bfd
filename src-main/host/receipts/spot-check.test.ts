import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReceiptsFile, Verification } from '../../pipeline/index.ts';
import { SpotCheck, type SpotCheckInit } from './spot-check.ts';

const TIMES = { idleMs: 20, pauseMs: 120, maxWaitMs: 600, maxRunMs: 100 };
const file = (token: number): ReceiptsFile => ({ promptTokens: [token], answerTokens: [], greedy: true, receipts: [] });
const found = { verdicts: [] } as unknown as Verification;
const logger = { info: () => undefined, warn: () => undefined };
let begun: number[];
let verified: number;

beforeEach(() => {
  [begun, verified] = [[], 0];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  return () => vi.useRealTimers();
});

const checks = (init: Partial<SpotCheckInit> = {}): SpotCheck => new SpotCheck({
  logger, random: () => 0, times: TIMES, onVerified: () => { verified += 1; },
  verify: (one) => { begun.push(one.promptTokens[0] ?? 0); return Promise.resolve(found); }, ...init,
});

describe('a spot check', () => {
  it('begins once nobody asked anything for a while, of one answer, and the next one after a pause', async () => {
    const spot = checks();
    spot.offer(file(1));
    spot.offer(file(2));
    await vi.advanceTimersByTimeAsync(19);
    expect(begun).toEqual([]);
    spot.activity(true);
    await vi.advanceTimersByTimeAsync(100);
    spot.activity(false);
    await vi.advanceTimersByTimeAsync(19);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect([begun, verified]).toEqual([[1], 1]);
    spot.offer(file(3));
    await vi.advanceTimersByTimeAsync(119);
    expect(begun).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect([begun, verified]).toEqual([[1, 3], 2]);
    await spot.stop();
  });

  it('is of a share of the answers only', async () => {
    let next = 0;
    const spot = checks({ random: () => [0.99, 0.125, 0.124][next++] ?? 1 });
    for (const token of [1, 2, 3]) spot.offer(file(token));
    await vi.advanceTimersByTimeAsync(20);
    expect(begun).toEqual([3]);
    await spot.stop();
  });

  it('ends when somebody asks, begins anew afterwards, and is let go when that takes too long', async () => {
    const spot = checks({
      verify: (one, signal) => {
        begun.push(one.promptTokens[0] ?? 0);
        return new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); });
      },
    });
    spot.offer(file(1));
    for (let i = 0; i < 2; i++) {
      await vi.advanceTimersByTimeAsync(20);
      spot.activity(true);
      await vi.advanceTimersByTimeAsync(1);
      spot.activity(false);
    }
    expect([begun, verified]).toEqual([[1, 1], 0]);
    spot.activity(true);
    await vi.advanceTimersByTimeAsync(TIMES.maxWaitMs);
    spot.activity(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect([begun, verified]).toEqual([[1, 1], 0]);
    await spot.stop();
  });

  it('that fails or is too much for the machine counts for nothing, and stops with the node', async () => {
    const results: (() => Promise<Verification | undefined>)[] = [() => Promise.reject(new Error('no')), () => Promise.resolve(undefined)];
    const spot = checks({ verify: () => results.shift()?.() ?? Promise.resolve(found) });
    for (const token of [1, 2]) {
      spot.offer(file(token));
      await vi.advanceTimersByTimeAsync(TIMES.pauseMs);
    }
    spot.offer(file(3));
    await spot.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect([results.length, verified]).toEqual([0, 0]);
  });
});
