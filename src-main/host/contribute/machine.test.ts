import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { StageEngine } from '../../inference/index.ts';
import { readHeat } from './heat.ts';
import { MemoryBudget } from './memory-budget.ts';
import { othersShare, parseStat } from './others-load.ts';

it.each<readonly [string, Readonly<Record<string, string>>, string | undefined]>([
  ['nothing to read', {}, undefined],
  ['a temperature that nothing is said about', { temp: '99000' }, undefined],
  ['far below critical', { temp: '61000', trip_point_0_type: 'critical', trip_point_0_temp: '105000' }, 'nominal'],
  ['close to critical', { temp: '101000', trip_point_0_type: 'critical', trip_point_0_temp: '105000' }, 'serious'],
  ['critical', { temp: '105000', trip_point_0_type: 'critical', trip_point_0_temp: '105000' }, 'critical'],
  ['hot by its firmware', { temp: '90000', trip_point_0_type: 'hot', trip_point_0_temp: '90000', trip_point_1_type: 'critical', trip_point_1_temp: '110000' }, 'serious'],
  ['where a fan begins', { temp: '70000', trip_point_0_type: 'passive', trip_point_0_temp: '20000' }, undefined],
  ['a trip that was never set', { temp: '40000', trip_point_0_type: 'critical', trip_point_0_temp: '0' }, undefined],
])('heat: %s', async (_, files, heat) => {
  const folder = await mkdtemp(join(tmpdir(), 'omninode-thermal-'));
  try {
    await mkdir(join(folder, 'thermal_zone0'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'thermal_zone0', name), `${text}\n`);
    expect(await readHeat('linux', folder)).toBe(heat);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('load of others is what neither idled nor was computed here', () => {
  expect(othersShare({ totalMs: 0, idleMs: 0, ownMs: 500 }, { totalMs: 1000, idleMs: 300, ownMs: 700 })).toBe(0.5);
  expect(othersShare({ totalMs: 0, idleMs: 0, ownMs: 500 }, { totalMs: 1000, idleMs: 300, ownMs: 100 })).toBe(0.7);
  expect(othersShare({ totalMs: 5, idleMs: 0, ownMs: 0 }, { totalMs: 5, idleMs: 0, ownMs: 0 })).toBeUndefined();
});

it('reads a process of any name', () => {
  expect(parseStat('42 (a) b (c) S 7 1 1 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0 100 0 0')).toEqual({ pid: 42, parent: 7, ms: 420 });
  expect(parseStat('')).toBeUndefined();
});

it('memory for others has a limit, for weights and caches', async () => {
  const disposed: number[] = [];
  const engine = (weightBytes: number, kvBytes: number): StageEngine => ({ info: { weightBytes, kvBytes }, dispose: async () => void disposed.push(kvBytes) }) as unknown as StageEngine;
  const budget = new MemoryBudget(() => 100);
  const load = (key: string, weights: number, kv: number): Promise<StageEngine> => budget.load(key, weights, () => budget.checked(engine(weights, kv)));
  await load('a', 50, 10);
  expect(budget.freeBytes).toBe(40);
  await expect(load('b', 60, 1)).rejects.toMatchObject({ code: 'HOST_MEMORY_LIMIT', meta: { needBytes: 60, usedBytes: 60 } });
  await expect(load('b', 30, 11)).rejects.toMatchObject({ code: 'HOST_MEMORY_LIMIT' });
  expect(disposed).toEqual([11]);
  expect(budget.freeBytes).toBe(40);
  await load('a', 20, 20);
  budget.release('a');
  budget.release('a');
  expect(budget.freeBytes).toBe(100);
  expect(new MemoryBudget(() => undefined).freeBytes).toBe(Infinity);
});
