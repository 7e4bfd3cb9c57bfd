import { expect, it } from 'vitest';
import { CodedError, silentLogger } from '../../base/index.ts';
import { NetChecks, type CheckSink } from './net-checks.ts';

const finding = (detail: string) => ({ name: 'node', verdict: 'ok' as const, detail });
/** A check that goes on when it is told to. */
function stepped() {
  const started = Promise.withResolvers<CheckSink>();
  const over = Promise.withResolvers<void>();
  return { work: (sink: CheckSink) => { started.resolve(sink); return over.promise; }, sink: started.promise, finish: over.resolve, fail: over.reject };
}

it('tells a check piece by piece to whoever asks, and its end', async () => {
  const [checks, one] = [new NetChecks(silentLogger), stepped()];
  const id = checks.start(one.work);
  const sink = await one.sink;
  const first = checks.news(id, 0);
  sink.doing('looking');
  expect(await first).toMatchObject({ revision: 1, doing: 'looking', findings: [] });
  sink.found([finding('well')]);
  expect(await checks.news(id, 1)).toMatchObject({ revision: 2, findings: [{ detail: 'well' }] });
  const last = checks.news(id, 2);
  one.finish();
  expect(await last).toEqual({ revision: 3, isCancelled: false, findings: [finding('well')] });
  expect(await checks.news(id, 3)).toMatchObject({ revision: 3 });
  expect(checks.cancel(id)).toBe(false);
});

it('is called off at once, and says nothing afterwards', async () => {
  const [checks, one] = [new NetChecks(silentLogger), stepped()];
  const id = checks.start(one.work);
  const sink = await one.sink;
  sink.found([finding('first')]);
  expect(checks.cancel(id)).toBe(true);
  expect(sink.signal.aborted).toBe(true);
  sink.found([finding('late')]);
  expect(await checks.news(id, 0)).toEqual({ revision: 2, isCancelled: true, findings: [finding('first')] });
});

it('ends the check before for a new one, of which alone there are news', async () => {
  const [checks, one, two] = [new NetChecks(silentLogger), stepped(), stepped()];
  const old = checks.start(one.work);
  const waiting = checks.news(old, 0);
  const id = checks.start(two.work);
  expect(await waiting).toMatchObject({ isCancelled: true });
  expect((await one.sink).signal.aborted).toBe(true);
  await expect(checks.news(old, 0)).rejects.toMatchObject({ code: 'HOST_CHECK_GONE' });
  two.finish();
  expect(await checks.news(id, 0)).toMatchObject({ isCancelled: false });
});

it('tells a check that failed as one, with the step to take', async () => {
  const [checks, one] = [new NetChecks(silentLogger), stepped()];
  const id = checks.start(one.work);
  one.fail(new CodedError({ code: 'X', message: 'no list', next: 'Do this.' }));
  expect(await checks.news(id, 0)).toMatchObject({ findings: [{ name: 'check', verdict: 'fail', detail: 'no list', next: 'Do this.' }] });
});
