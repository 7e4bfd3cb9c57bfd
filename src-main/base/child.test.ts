import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const beside = (file: string): string => join(import.meta.dirname, 'testing', file);

it('a child takes over how large the room for young objects may get, and no other flag', async () => {
  const flags = ['--max-semi-space-size=3', '--no-warnings', '--max-old-space-size=300'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, beside('fork-one.ts'), beside('tell-flags.ts')]);
  expect(JSON.parse(stdout)).toEqual(['--max-semi-space-size=3']);
});
