import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { KNOCK_WINDOW_MS } from './constants.ts';
import { SeenKnocks } from './seen-knocks.ts';

const NOW_MS = 100 * KNOCK_WINDOW_MS + 7;
const [A, B] = ['0a'.repeat(16), '0b'.repeat(16)];
let folder = '';
let path = '';
let clock: ManualClock;
let troubles: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-knocks-'));
  path = join(folder, 'knocks');
  clock = new ManualClock(NOW_MS);
  troubles = [];
});
afterEach(() => rm(folder, { recursive: true }));
const open = (): SeenKnocks => new SeenKnocks({ path, clock, onTrouble: (error) => void troubles.push(error) });

test('a knock is taken once, whoever of the home asks and however often it starts', async () => {
  const [one, two] = [open(), open()];
  const at = { id: A, timeMs: NOW_MS };
  const taken = await Promise.all([one, two, one, two].map((seen) => seen.take(at)));
  expect(taken.filter(Boolean)).toHaveLength(1);
  expect(await open().take(at)).toBe(false);
  expect(await open().take({ id: B, timeMs: NOW_MS })).toBe(true);
  expect(troubles).toEqual([]);
});

test('knocks are forgotten when their time is out of the window, whatever this machine’s clock did, and not before', async () => {
  // Of a member whose clock is behind, and of one whose clock is ahead.
  const [late, early] = [{ id: A, timeMs: NOW_MS - KNOCK_WINDOW_MS }, { id: B, timeMs: NOW_MS + KNOCK_WINDOW_MS }];
  const seen = open();
  expect([await seen.take(late), await seen.take(early)]).toEqual([true, true]);
  clock.advance(2 * KNOCK_WINDOW_MS);
  expect(await open().take(early)).toBe(false);
  expect(await readdir(path)).toEqual([String(Math.floor(early.timeMs / KNOCK_WINDOW_MS))]);
  clock.advance(2 * KNOCK_WINDOW_MS);
  await open().take({ id: A, timeMs: clock.now() });
  expect(await readdir(path)).toEqual([String(Math.floor(clock.now() / KNOCK_WINDOW_MS))]);
});

test('what others put there stays, and the folder is its owner’s', async () => {
  await mkdir(join(path, 'mine'), { recursive: true });
  expect(await open().take({ id: A, timeMs: NOW_MS })).toBe(true);
  expect((await readdir(path)).toSorted()).toEqual([String(Math.floor(NOW_MS / KNOCK_WINDOW_MS)), 'mine']);
  expect((await stat(join(path, String(Math.floor(NOW_MS / KNOCK_WINDOW_MS))))).mode & 0o077).toBe(0);
});

test('where nothing can be written members still come in, each knock once while the process lives', async () => {
  await writeFile(path, 'no folder');
  const seen = open();
  expect([await seen.take({ id: A, timeMs: NOW_MS }), await seen.take({ id: A, timeMs: NOW_MS })]).toEqual([true, false]);
  expect(troubles).toHaveLength(1);
});

test('without a path they are remembered as long as the process', async () => {
  const seen = new SeenKnocks({ path: undefined, clock, onTrouble: () => undefined });
  expect([await seen.take({ id: A, timeMs: NOW_MS }), await seen.take({ id: A, timeMs: NOW_MS })]).toEqual([true, false]);
});
