import { expect, it } from 'vitest';
import { sumUnits } from './sum-units.ts';

it.each([
  ['1', 10n ** 18n], ['0.5', 5n * 10n ** 17n], ['12.000000000000000001', 12n * 10n ** 18n + 1n], ['999999999', 999_999_999n * 10n ** 18n], ['007.50', 75n * 10n ** 17n],
])('reads %s exactly', (amount, units) => {
  expect(sumUnits(amount)).toBe(units);
});
