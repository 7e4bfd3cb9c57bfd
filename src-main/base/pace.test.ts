import { expect, it } from 'vitest';
import { ManualClock } from './clock.ts';
import { Pace } from './pace.ts';

it('lets all through where there is no limit', async () => {
  await expect(new Pace(new ManualClock()).take(1e12)).resolves.toBeUndefined();
});

it('holds back what is too fast, until the rate changes or the caller gives up', async () => {
  const pace = new Pace(new ManualClock());
  pace.bytesPerSecond = 1;
  const [one, two] = [pace.take(1e6), pace.take(1e6)];
  const gone = AbortSignal.abort('gone');
  await expect(pace.take(1, gone)).rejects.toBe('gone');
  pace.bytesPerSecond = 2e12;
  await Promise.all([one, two]);
  await pace.take(1e6);
  pace.bytesPerSecond = undefined;
  await pace.take(1e12);
});
