import { expect, test } from 'vitest';
import { Gathering } from './gathering.ts';

test('whoever wants all of it waits until it is there, and no longer than it may take', async () => {
  const gathering = new Gathering();
  await gathering.settled();
  const [one, never] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  gathering.add(one.promise);
  let isSettled = false;
  const settled = gathering.settled(600_000).then(() => { isSettled = true; });
  await Promise.resolve();
  expect(isSettled).toBe(false);
  one.resolve('');
  await settled;
  gathering.add(never.promise);
  await gathering.settled(1);
  never.resolve('');
  await never.promise;
  await gathering.settled(600_000);
});
