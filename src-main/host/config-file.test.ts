import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { updateConfigFile } from './config-file.ts';

it('loses no change of several that come together, and goes on after one that is refused', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-config-'));
  await writeFile(join(home, 'config.json'), '{"model":"kept"}');
  const put = (key: string, value: unknown) => updateConfigFile(home, (source) => ({ ...source, [key]: value }));
  const ended = await Promise.allSettled([put('name', 'one'), put('contextTokens', 'many'), put('threads', 2), put('mdns', false)]);
  expect(ended.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : one.status))).toEqual(['fulfilled', 'HOST_BAD_CONFIG', 'fulfilled', 'fulfilled']);
  expect(JSON.parse(await readFile(join(home, 'config.json'), 'utf8'))).toEqual({ model: 'kept', name: 'one', threads: 2, mdns: false });
  await rm(home, { recursive: true });
});
