import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { profileSchema } from '../../mesh/index.ts';
import { backendOf } from './node-profile.ts';
import { label } from './label.ts';
import { joined, offersOf } from './layer-sets.ts';
import { parsePmset, readPower } from './power.ts';
import { readMachine } from './read-machine.ts';

let folder = '';
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-facts-')); });
afterEach(() => rm(folder, { recursive: true }));

const supply = async (name: string, files: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(join(folder, name));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), `${text}\n`);
};

it('reads this machine, and what it reads can be told', async () => {
  const machine = await readMachine();
  expect(profileSchema.shape.machine.parse(machine)).toEqual(machine);
  expect(machine).toMatchObject({ os: process.platform, arch: process.arch, cores: expect.any(Number), ramTotalBytes: expect.any(Number), ramFreeBytes: expect.any(Number) });
  expect(machine.ramFreeBytes).toBeLessThanOrEqual(machine.ramTotalBytes ?? 0);
});

describe('power', () => {
  it('is that of the machine’s battery, not of its mouse', async () => {
    await supply('AC', { type: 'Mains', online: '0' });
    await supply('BAT0', { type: 'Battery', status: 'Discharging', capacity: '41' });
    await supply('A-mouse', { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '7' });
    expect(await readPower('linux', folder)).toEqual({ isOnBattery: true, batteryShare: 0.41 });
  });

  it('is unknown without a battery, without the folder, where nobody reads it', async () => {
    await supply('AC', { type: 'Mains', online: '1' });
    expect([await readPower('linux', folder), await readPower('linux', join(folder, 'none')), await readPower('win32', folder)]).toEqual([{}, {}, {}]);
  });

  it.each([['Charging', '80', { isOnBattery: false, batteryShare: 0.8 }], ['Unknown', '', {}], ['Full', 'x', { isOnBattery: false }], ['Discharging', '180', { isOnBattery: true }]])('%s at %s', async (status, capacity, power) => {
    await supply('BAT1', { type: 'Battery', status, capacity });
    expect(await readPower('linux', folder)).toEqual(power);
  });

  it('is read from pmset', () => {
    expect(parsePmset("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t85%; discharging; 5:11 remaining present: true\n")).toEqual({ isOnBattery: true, batteryShare: 0.85 });
    expect(parsePmset("Now drawing from 'AC Power'\n -InternalBattery-0 (id=4653155)\t100%; charged; 0:00 remaining present: true\n")).toEqual({ isOnBattery: false, batteryShare: 1 });
    expect([parsePmset("Now drawing from 'AC Power'\n"), parsePmset('')]).toEqual([{}, {}]);
  });
});

it('labels can always be told', () => {
  const { cpu } = profileSchema.shape.machine.shape;
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
    const clean = label(text);
    expect(clean === undefined || cpu.safeParse(clean).success).toBe(true);
  }));
  expect([label(' A\u001b[2J\u202ename '), label('\u0000'), label('x'.repeat(99) + '😀')]).toEqual(['A [2J name', undefined, 'x'.repeat(99)]);
});

it('ranges that touch are one', () => {
  const range = fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 4 })).map(([first, more]) => ({ layers: { first, last: first + more } }));
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), (parts) => {
    const all = (ranges: readonly (readonly [number, number])[]): number[] => ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    const out = all(joined(parts));
    expect(out).toEqual([...new Set(all(parts.map(({ layers }) => [layers.first, layers.last])))].toSorted((a, b) => a - b));
    expect(joined(parts).every(([first], i, ranges) => i === 0 || first > (ranges[i - 1]?.[1] ?? 0) + 1)).toBe(true);
  }));
});

it('tells models in memory first, each once', () => {
  const held = (modelHash: string, first: number, last: number) => ({ modelHash, modelName: `m ${modelHash}`, totalLayers: 8, layers: { first, last } });
  const other = { hash: 'c', totalLayers: 2, held: [[0, 1]] as const, loaded: [[0, 1]] as const };
  const told = offersOf({ held: [held('a', 0, 3), held('b', 2, 3), held('b', 4, 7), held('c', 0, 1)], loaded: [{ modelHash: 'b', layers: { first: 4, last: 7 } }] }, [other]);
  expect(told).toEqual([other, { hash: 'b', name: 'm b', totalLayers: 8, held: [[2, 7]], loaded: [[4, 7]] }, { hash: 'a', name: 'm a', totalLayers: 8, held: [[0, 3]], loaded: [] }]);
});

it('names the backend as llama.cpp names its devices', () => {
  expect([undefined, 'CUDA0', 'Metal', 'MTL0', 'Vulkan1', 'SYCL0'].map(backendOf)).toEqual(['cpu', 'cuda', 'metal', 'metal', 'vulkan', undefined]);
});
