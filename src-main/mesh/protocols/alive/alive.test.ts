import { expect, it } from 'vitest';
import { MAX_SIGN_EVERY_MS, MIN_SIGN_EVERY_MS } from './constants.ts';
import { decodeSign, encodeSign } from './schema.ts';

it('all two bytes are a sign that can be, or none', () => {
  const all = Array.from({ length: 2 ** 16 }, (_, everyMs) => everyMs);
  expect(all.filter((everyMs) => decodeSign(encodeSign(everyMs)) === everyMs)).toEqual(all.slice(MIN_SIGN_EVERY_MS, MAX_SIGN_EVERY_MS + 1));
  expect(all.filter((everyMs) => decodeSign(encodeSign(everyMs)) === undefined)).toHaveLength(2 ** 16 - (MAX_SIGN_EVERY_MS - MIN_SIGN_EVERY_MS + 1));
});

it.each([0, 1, 3, 64])('%i bytes are none', (length) => { expect(decodeSign(new Uint8Array(length).fill(8))).toBeUndefined(); });
