import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { availableBytes, checkMemory } from './check-memory.ts';

const path = import.meta.filename;

it('refuses a file that is larger than what is free, with both figures', async () => {
  const { size } = await stat(path);
  const failure = await checkMemory({ path }, size).then(() => undefined, (error: unknown) => error);
  expect(failure).toMatchObject({ code: 'ENGINE_NO_MEMORY', fault: 'user', meta: { freeBytes: size } });
  expect((failure as { meta: { neededBytes: number } }).meta.neededBytes).toBeGreaterThan(size);
  await expect(checkMemory({ path }, 1e12)).resolves.toBeUndefined();
});

it('says so when there is no file', async () => {
  await expect(checkMemory({ path: `${path}.none` })).rejects.toMatchObject({ code: 'ENGINE_LOAD_FAILED' });
});

it('finds some memory here', async () => {
  expect(await availableBytes()).toBeGreaterThan(0);
});
