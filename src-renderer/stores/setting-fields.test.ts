import { expect, it } from 'vitest';
import { SETTING_KEYS } from '../../src-preload/bridge/index.ts';
import { en } from '../language/en/index.ts';
import { valueOf, writtenOf } from './setting-fields.ts';

it('writes a value and reads it back', () => {
  for (const [key, value, written] of [
    ['contextTokens', 4096, '4096'], ['storeQuotaBytes', 1_500_000_000, '1.5'], ['uploadBytesPerSecond', 250_000, '0.25'], ['mdns', true, 'true'],
    ['relays', ['/a', '/b'], '/a\n/b'], ['name', 'studio', 'studio'], ['threads', null, ''],
    ['payPrice', '0.000000000000000001', '0.000000000000000001'], ['payUpTo', '999999999.5', '999999999.5'],
  ] as const) {
    expect(writtenOf(key, value)).toBe(written);
    expect(valueOf(key, written)).toEqual(value);
  }
});

it('takes an empty field out, forgives spaces and a comma, and leaves the rest to the host', () => {
  expect(valueOf('relays', ' \n ')).toBeNull();
  expect(valueOf('relays', ' /a \n\n /b')).toEqual(['/a', '/b']);
  expect(valueOf('storeQuotaBytes', '1,5')).toBe(1_500_000_000);
  expect(valueOf('payPrice', ' ')).toBeNull();
  // A comma may mean thousands.
  expect(valueOf('payPrice', '1,5')).toBe('1,5');
  expect(valueOf('contextTokens', 'many')).toBe('many');
});

it('explains every setting', () => {
  for (const key of SETTING_KEYS) expect(en.setting[key].help.length, key).toBeGreaterThan(20);
});
