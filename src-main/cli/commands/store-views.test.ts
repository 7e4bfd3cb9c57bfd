import { expect, it } from 'vitest';
import { byteSize } from '../options.ts';
import { ranges } from './store-views.ts';

it('draws runs of blocks together', () => {
  expect(ranges([1, 2, 3, 7, 9, 10])).toBe('1-3, 7, 9-10');
  expect(ranges([])).toBe('');
});

it('reads sizes', () => {
  expect(['0', '20GB', '1.5 t', '7k', '12b'].map(byteSize)).toEqual([0, 20e9, 1.5e12, 7000, 12]);
  for (const text of ['', 'GB', '-1', '1e3', '5 XB', '99999999t']) expect(() => byteSize(text)).toThrow(/size is wanted/);
});
