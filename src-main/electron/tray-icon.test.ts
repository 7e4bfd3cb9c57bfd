import { expect, it } from 'vitest';
import { trayBitmap } from './tray-icon.ts';

it.each([16, 22, 32, 44])('is drawn at %i pixels: three nodes, nothing in the corners, the same on both sides', (side) => {
  const bitmap = trayBitmap(side, 'plain');
  expect(bitmap).toHaveLength(4 * side * side);
  const alpha = (x: number, y: number): number => bitmap[4 * (Math.floor(y * side) * side + Math.floor(x * side)) + 3] ?? -1;
  for (const [x, y] of [[0.5, 0.18], [0.2, 0.78], [0.8, 0.78]] as const) expect([x, y, alpha(x, y)]).toEqual([x, y, 255]);
  for (const [x, y] of [[0, 0], [0.99, 0], [0.5, 0.55]] as const) expect([x, y, alpha(x, y)]).toEqual([x, y, 0]);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) expect(Math.abs(bitmap[4 * (y * side + x) + 3]! - bitmap[4 * (y * side + side - 1 - x) + 3]!)).toBeLessThanOrEqual(32);
  }
});

it('of macOS is only more or less opaque black', () => {
  const bitmap = trayBitmap(22, 'template');
  for (let at = 0; at < bitmap.length; at += 4) expect([...bitmap.subarray(at, at + 3)]).toEqual([0, 0, 0]);
  expect(bitmap.some((value) => value === 255)).toBe(true);
});
