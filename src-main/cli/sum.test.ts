import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sumAmount, sumText } from './sum.ts';

it.each([['1000', '1000000000000000000000'], ['0.5', '500000000000000000'], ['0.000000000000000001', '1'], [' 7.10 ', '7100000000000000000']])('%s SUM is %s units', (text, units) => {
  expect(sumAmount(text)).toBe(units);
});

it.each(['', '0', '0.0', '-1', '1e3', '1,5', '.5', '5.', '0x10', '1.0000000000000000001', '1000000000000.5.5', '1 000'])('%j is no amount', (text) => {
  expect(() => sumAmount(text)).toThrow('An amount of SUM is wanted');
});

it('shows every unit, and reads it back', () => {
  expect(['0', '1', '1500000000000000000', '1234567000000000000000000'].map(sumText)).toEqual(['0', '0.000000000000000001', '1.5', '1,234,567']);
  fc.assert(fc.property(fc.bigInt({ min: 1n, max: 10n ** 29n }), (units) => {
    expect(sumAmount(sumText(units.toString()).replaceAll(',', ''))).toBe(units.toString());
  }));
});
