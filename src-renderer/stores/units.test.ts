import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { decimalPoint, formatUnits, parseUnits, shareOf, typedUnits } from './units.ts';

const amounts = fc.bigInt({ min: 0n, max: 10n ** 60n - 1n });
const speak = (language: string): void => void vi.stubGlobal('navigator', { language });

afterEach(() => vi.unstubAllGlobals());

it('writes every digit and reads it back, in both ways of writing', () => {
  for (const language of ['en', 'en-ZA']) {
    speak(language);
    fc.assert(fc.property(amounts, (units) => {
      const full = formatUnits(units).full.replaceAll(/[,\s]/g, (sign) => (sign === decimalPoint() ? sign : ''));
      const expected = units === 0n ? { fault: 'zero' } : { units };
      expect(parseUnits(full)).toEqual(expected);
      expect(parseUnits(typedUnits(units))).toEqual(expected);
    }));
  }
});

it('shows at a glance no more than there is', () => {
  fc.assert(fc.property(amounts, (units) => {
    const { short, full } = formatUnits(units);
    if (short.startsWith('<')) return void expect(units > 0n && units < 10n ** 14n).toBe(true);
    expect(full.startsWith(short)).toBe(true);
    expect(/\.\d{5}/.test(short)).toBe(false);
  }));
});

it('is exact where a JavaScript number is not', () => {
  expect(formatUnits('9007199254740993000000000000000001')).toEqual({ short: '9,007,199,254,740,993', full: '9,007,199,254,740,993.000000000000000001' });
  expect(formatUnits('1999999999999999999')).toEqual({ short: '1.9999', full: '1.999999999999999999' });
  expect(formatUnits('0')).toEqual({ short: '0', full: '0' });
  expect(formatUnits('1').short).toBe('< 0.0001');
  expect(typedUnits('1234500000000000000000')).toBe('1234.5');
});

it('refuses what could be meant in two ways, and what is no amount', () => {
  const faults = Object.fromEntries(['', '  ', '.', '1,234', '1.2.3', '-1', '1e3', '0x10', 'ten', '١', '0', '0.0', '1.1234567890123456789', '9'.repeat(43)].map((text) => [text, parseUnits(text)]));
  expect(faults).toEqual({
    '': { fault: 'empty' }, '  ': { fault: 'empty' }, '.': { fault: 'malformed' }, '1,234': { fault: 'malformed' }, '1.2.3': { fault: 'malformed' }, '-1': { fault: 'malformed' }, '1e3': { fault: 'malformed' },
    '0x10': { fault: 'malformed' }, 'ten': { fault: 'malformed' }, '١': { fault: 'malformed' }, '0': { fault: 'zero' }, '0.0': { fault: 'zero' }, '1.1234567890123456789': { fault: 'decimals' }, [`${'9'.repeat(43)}`]: { fault: 'large' },
  });
  expect([parseUnits('.5'), parseUnits('5.'), parseUnits('007')]).toEqual([{ units: 5n * 10n ** 17n }, { units: 5n * 10n ** 18n }, { units: 7n * 10n ** 18n }]);
});

it('never throws, whatever was typed', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const parsed = parseUnits(text);
    expect('units' in parsed ? parsed.units > 0n : parsed.fault.length > 0).toBe(true);
  }));
});

it('knows shares of amounts', () => {
  expect([shareOf(1n, 4n), shareOf(0n, 0n), shareOf(10n ** 40n, 10n ** 40n)]).toEqual([0.25, 0, 1]);
});
