import { expect, it } from 'vitest';
import { bytes, milliseconds, percent, shortPeer, table } from './table.ts';

it('aligns texts to the left and figures to the right', () => {
  expect(table(['node', 'ms'], [['a', milliseconds(1.5)], ['long name', milliseconds(undefined)], ['b', milliseconds(120.25)]])).toBe(
    'node              ms\na            1.50 ms\nlong name          -\nb          120.25 ms');
  expect(table(['node'], [])).toBe('node');
});

it('writes what was not measured as a dash', () => {
  expect([milliseconds(null), percent(undefined), bytes(undefined)]).toEqual(['-', '-', '-']);
  expect([percent(0.125), bytes(9_999), bytes(25_400), bytes(12_345_678)]).toEqual(['12.5 %', '9999 B', '25.4 KB', '12.3 MB']);
});

it('tells peers apart by their ends', () => {
  expect(shortPeer('12D3KooWScriptedPeerNumber1')).toBe('...rNumber1');
  expect(shortPeer('node 0')).toBe('node 0');
});
