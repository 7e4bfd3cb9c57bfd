import { expect, it } from 'vitest';
import { Lifecycle, type Service } from './lifecycle.ts';

const recorder = (log: string[], name: string, fail?: 'start' | 'stop'): Service => ({
  name,
  start: async () => {
    if (fail === 'start') throw new Error(name);
    log.push(`+${name}`);
  },
  stop: async () => {
    log.push(`-${name}`);
    if (fail === 'stop') throw new Error(name);
  },
});

it('starts in order and stops in reverse', async () => {
  const log: string[] = [];
  const life = new Lifecycle();
  for (const name of ['a', 'b', 'c']) life.add(recorder(log, name));
  await life.start();
  await life.stop();
  await life.stop();
  expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
});

it('unwinds a failed start', async () => {
  const log: string[] = [];
  const life = new Lifecycle();
  life.add(recorder(log, 'a'));
  life.add(recorder(log, 'b', 'start'));
  await expect(life.start()).rejects.toThrow('b');
  expect(log).toEqual(['+a', '-a']);
});

it('stops the rest when one stop fails', async () => {
  const log: string[] = [];
  const life = new Lifecycle();
  life.add(recorder(log, 'a'));
  life.add(recorder(log, 'b', 'stop'));
  await life.start();
  const failures = await life.stop();
  expect(failures.map((f) => f.code)).toEqual(['LIFECYCLE_STOP_FAILED']);
  expect(log).toEqual(['+a', '+b', '-b', '-a']);
});
