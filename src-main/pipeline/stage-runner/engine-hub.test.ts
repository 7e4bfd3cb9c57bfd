import { expect, it } from 'vitest';
import { defineErrors, silentLogger, spec } from '../../base/index.ts';
import type { StageEngine } from '../../inference/index.ts';
import { RUNNER_DEFAULTS } from '../options.ts';
import type { EngineEntry } from './engine-entry.ts';
import { EngineHub, type RangeRequest } from './engine-hub.ts';

const errors = defineErrors('TEST', { full: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'no memory', next: 'Wait.' }) });
const range = (first: number): RangeRequest => ({ modelHash: 'm', layers: { first, last: first }, isFirst: false, isLast: false, contextTokens: 64, batchTokens: 8 });
const waiting = { onProgress: () => undefined, signal: new AbortController().signal };

it('engines that nobody holds count as free, and make room for others', async () => {
  let used = 0;
  const engine = (layers: RangeRequest['layers']): StageEngine => ({ info: { layers, weightBytes: 60, kvBytes: 30 }, lost: new Promise(() => undefined), dispose: () => { used -= 90; return Promise.resolve(); } }) as unknown as StageEngine;
  const hub = new EngineHub({
    source: {
      offers: () => Promise.resolve([{ modelHash: 'm', totalLayers: 9, shards: [1, 2].map((first) => ({ layers: { first, last: first }, sizeBytes: 1 })) }]),
      load: ({ layers }: RangeRequest) => {
        if (used > 0) return Promise.reject(errors.full({}));
        used += 90;
        return Promise.resolve(engine(layers));
      },
    } as never,
    options: RUNNER_DEFAULTS, logger: silentLogger, createEntry: (loaded) => Promise.resolve({ engine: loaded } as EngineEntry), onUnloaded: () => undefined,
  });
  const first = await hub.acquire(range(1), waiting);
  await expect(hub.acquire(range(2), waiting)).rejects.toMatchObject({ code: 'TEST_FULL' });
  expect(hub.idleBytes).toBe(0);
  first.release();
  expect(hub.idleBytes).toBe(90);
  const second = await hub.acquire(range(2), waiting);
  expect([used, hub.engines, second.entry.engine.info.layers]).toEqual([90, 1, { first: 2, last: 2 }]);
  await hub.stop();
});
