import { expect, it } from 'vitest';
import { BoundedQueue, CodedError, silentLogger } from '../../base/index.ts';
import { Downloads } from './downloads.ts';
import type { AddSink } from './ports.ts';

/** Downloads whose ends the test decides. */
function scripted() {
  const begun = new BoundedQueue<{ readonly sink: AddSink; readonly end: (error?: unknown) => void }>(10);
  const runs = begun[Symbol.asyncIterator]();
  const add = (_: unknown, sink: AddSink): Promise<object> => new Promise((resolve, reject) => {
    const end = (error?: unknown): void => (error === undefined ? resolve({ manifestCid: 'bafy' }) : reject(error));
    sink.signal.addEventListener('abort', () => reject(sink.signal.reason));
    begun.push({ sink, end });
  });
  const downloads = new Downloads({ add }, silentLogger);
  const next = async () => (await runs.next()).value!;
  return { downloads, next, ended: () => downloads.events.once('ended') };
}

it('puts off, goes on, and gives up; one at a time of a source', async () => {
  const { downloads, next, ended } = scripted();
  const { id } = downloads.start({ source: 'hf:a/b' });
  expect(downloads.start({ source: 'hf:a/b' }).id).toBe(id);
  (await next()).sink.onOutlook({ name: 'b', fits: 'here' });
  expect(await downloads.pause(id)).toMatchObject({ id, state: 'paused', name: 'b' });
  expect(downloads.start({ source: 'hf:a/b' })).toMatchObject({ id, state: 'running', name: 'b' });
  const failed = ended();
  (await next()).end(new CodedError({ code: 'HUB_STALLED', message: 'silence', fault: 'peer' }));
  expect(await failed).toMatchObject({ id, state: 'failed', error: { code: 'HUB_STALLED' } });
  expect(downloads.resume(id)).not.toHaveProperty('error');
  const over = ended();
  (await next()).end();
  expect(await over).toMatchObject({ state: 'done', manifestCid: 'bafy' });
  expect([downloads.resume(id).state, (await downloads.pause(id)).state, (await downloads.cancel(id)).state]).toEqual(['done', 'done', 'done']);
  const other = downloads.start({ source: 'hf:c/d' });
  await downloads.pause(other.id);
  expect(await downloads.cancel(other.id)).toMatchObject({ state: 'cancelled' });
  downloads.dismiss(other.id);
  expect(downloads.list().map((row) => row.id)).toEqual([id]);
  expect(() => downloads.get(other.id)).toThrow(expect.objectContaining({ code: 'API_NOT_FOUND' }));
});

it('does not put off what cannot be gone on with', async () => {
  const { downloads } = scripted();
  const { promise, reject } = Promise.withResolvers<object>();
  const { id } = downloads.run({ source: 'a.gguf', kind: 'upload', work: ({ signal }) => { signal.addEventListener('abort', () => reject(signal.reason)); return promise; } });
  expect(await downloads.pause(id)).toMatchObject({ id, state: 'running' });
  expect(await downloads.cancel(id)).toMatchObject({ state: 'cancelled' });
});

it('bounds what is under way, and tells every change', async () => {
  const { downloads } = scripted();
  let told = 0;
  downloads.events.on('changed', () => { told += 1; });
  const ids = ['a', 'b', 'c', 'd'].map((source) => downloads.start({ source }).id);
  expect(() => downloads.start({ source: 'e' })).toThrow(expect.objectContaining({ code: 'API_TOO_MANY_DOWNLOADS' }));
  await downloads.pause(ids[0] ?? '');
  downloads.start({ source: 'e' });
  expect(() => downloads.resume(ids[0] ?? '')).toThrow(expect.objectContaining({ code: 'API_TOO_MANY_DOWNLOADS' }));
  downloads.throttle(20_000);
  expect([downloads.bytesPerSecond, told]).toEqual([20_000, 7]);
  await downloads.stop();
  expect(new Set(downloads.list().map(({ state }) => state))).toEqual(new Set(['cancelled']));
});
