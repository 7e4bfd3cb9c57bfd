import { expect, it } from 'vitest';
import { qrRows } from '../host/qr-code.ts';
import { qrText } from './qr.ts';

it('draws two rows a line, the same dots, dark on light whatever the terminal', () => {
  expect(qrText(['1010', '1100', '0110'], { colours: false })).toBe('█▄▀ \n ▀▀ \n');
  const rows = qrRows('omni://join/abc');
  const text = qrText(rows, { colours: true });
  expect(text.split('\n').filter((line) => line !== '')).toHaveLength(Math.ceil(rows.length / 2));
  for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^\u001b\[30;107m[ ▀▄█]+\u001b\[0m$/);
});

it('a whole invitation fits a terminal of 80 columns', () => {
  expect(qrRows(`omni://join/${'a'.repeat(320)}`).length).toBeLessThan(80);
  expect(new Set(qrRows('omni://join/abc').map((row) => row.length))).toEqual(new Set([qrRows('omni://join/abc').length]));
});
