import { expect, it } from 'vitest';
import type { PeerId, SessionId } from '../../base/index.ts';
import type { ServedSession } from '../../pipeline/index.ts';
import { ServedSessions } from './served-sessions.ts';

const one = (session: string, first = 0) => ({ session: session as SessionId, coordinator: 'peer' as PeerId, modelHash: 'hash', layers: { first, last: first + 2 }, openedAt: 1_000 });
const counted = (session: string, rows: number): ServedSession => ({ ...one(session), rows, runRows: rows });

it('knows a session from its first moment, and the last one when it is over', async () => {
  const served = new ServedSessions();
  served.opened(one('a'));
  served.opened(one('a', 3));
  expect(served.now).toEqual([{ ...one('a'), rows: 0, runRows: 0 }, { ...one('a', 3), rows: 0, runRows: 0 }]);
  expect(served.last).toBeUndefined();
  served.closed(one('a'), 2_000);
  expect(served.now.map(({ layers }) => layers.first)).toEqual([3]);
  expect(served.last).toEqual({ ...one('a'), endedAt: 2_000 });
  expect(await served.count(() => Promise.resolve([counted('a', 7)]))).toEqual([counted('a', 7)]);
  expect(served.now).toEqual([counted('a', 7)]);
});

it('believes no count that a session outlived, or that a later one overtook', async () => {
  const served = new ServedSessions();
  served.opened(one('a'));
  const slow = Promise.withResolvers<readonly ServedSession[]>();
  const asked = served.count(() => slow.promise);
  served.closed(one('a'), 2_000);
  expect(await served.count(() => Promise.resolve([]))).toEqual([]);
  slow.resolve([counted('a', 7)]);
  expect(await asked).toBeUndefined();
  expect(served.now).toEqual([]);
});
