import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromNative } from './errors.ts';

it('maps each number of the addon to the code of the same name', async () => {
  const header = await readFile(join(import.meta.dirname, '../../native/src/errors.h'), 'utf8');
  const codes = [...header.matchAll(/^ {2}(\w+) = (\d+),$/gm)].map(([, name, number]) => ({ code: `ENGINE_${(name ?? '').toUpperCase()}`, nativeCode: Number(number) }));
  expect(codes.length).toBeGreaterThan(12);
  for (const { code, nativeCode } of codes) {
    const extra = code === 'ENGINE_NO_MEMORY' ? { nativeCode, neededBytes: 1 } : { nativeCode };
    expect(fromNative(Object.assign(new Error('detail'), extra)).code).toBe(code);
  }
});
