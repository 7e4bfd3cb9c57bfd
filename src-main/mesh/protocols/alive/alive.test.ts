import { expect, it } from 'vitest';
import { MAX_SIGN_EVERY_MS, MIN_SIGN_EVERY_MS } from './constants.ts';
import { decodeSign, encodeSign } from './schema.ts';

it('all two bytes are a sign that can be, or none', () => {
  let signs = 0;
  for (let everyMs = 0; everyMs < 2 ** 16; everyMs++) {
    const decoded = decodeSign(encodeSign(everyMs));
    if (decoded !== undefined) signs++;
    expect([undefined, everyMs]).toContain(decoded);
  }
  expect(signs).toBe(MAX_SIGN_EVERY_MS - MIN_SIGN_EVERY_MS + 1);
});

it.each([0, 1, 3, 64])('%i bytes are none', (length) => { expect(decodeSign(new Uint8Array(length).fill(8))).toBeUndefined(); });
