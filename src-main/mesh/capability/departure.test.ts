import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SaidProcess } from '../../../test/support/said-process.ts';

// Real processes, and the times that a node keeps by default. A line near - middle - far: `far` never has a connection to `near`.
const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'test', 'support', 'presence-process.ts');
/** What a killed node may still be seen. */
const GONE_IN_TIME_MS = 15_000;
const running: SaidProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.child.kill('SIGCONT');
    await child.kill();
  }
});

async function start(name: string, dial?: SaidProcess): Promise<SaidProcess> {
  const [address] = dial === undefined ? [undefined] : (await dial.says('ready'))['addresses'] as string[];
  const child = new SaidProcess(SCRIPT, { name, ...(address === undefined ? {} : { dial: address }) });
  running.push(child);
  await child.says('ready');
  return child;
}
async function startLine(): Promise<{ near: SaidProcess; middle: SaidProcess; far: SaidProcess; isNear: (said: Readonly<Record<string, unknown>>) => boolean }> {
  const near = await start('near');
  const middle = await start('middle', near);
  const far = await start('far', middle);
  await Promise.all([middle.says('joined', ({ name }) => name === 'near'), far.says('joined', ({ name }) => name === 'near')]);
  const { peer } = await near.says('ready');
  return { near, middle, far, isNear: (said) => said['peer'] === peer };
}
const inTime = async (work: Promise<unknown>[], ms: number): Promise<unknown> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new RangeError(`not within ${ms} ms`)), ms);
  return Promise.race([Promise.all(work), late.promise]).finally(() => clearTimeout(timer));
};

test('a node that is killed is gone for all', { timeout: 180_000 }, async () => {
  const { near, middle, far, isNear } = await startLine();
  near.child.kill('SIGKILL');
  expect(await inTime([middle.says('left', isNear), far.says('left', isNear)], GONE_IN_TIME_MS)).toMatchObject([{ why: 'silent' }, { why: 'silent' }]);
});

test('a node that is frozen is gone for all, and back when it goes on', { timeout: 180_000 }, async () => {
  const { near, middle, far, isNear } = await startLine();
  near.child.kill('SIGSTOP');
  expect(await inTime([middle.says('left', isNear), far.says('left', isNear)], GONE_IN_TIME_MS)).toMatchObject([{ why: 'silent' }, { why: 'silent' }]);
  near.child.kill('SIGCONT');
  const isBack = (child: SaidProcess) => () => child.said.filter(({ event, name }) => event === 'joined' && name === 'near').length >= 2;
  await Promise.all([middle.says('joined', isBack(middle)), far.says('joined', isBack(far))]);
  // Nobody left for having been away from it.
  expect(near.said.filter(({ event }) => event === 'left')).toEqual([]);
});

test('a node that stops is gone for all at once, and its process ends', { timeout: 180_000 }, async () => {
  const { near, middle, far, isNear } = await startLine();
  const exited = once(near.child, 'exit');
  near.child.stdin?.end();
  expect(await inTime([middle.says('left', isNear), far.says('left', isNear)], 2_000)).toMatchObject([{ why: 'farewell' }, { why: 'farewell' }]);
  expect(await exited).toEqual([0, null]);
});
