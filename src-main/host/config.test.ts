import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { loadSettings } from './config.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-config-'));
});

it('works with no file at all', async () => {
  const { config, secrets } = await loadSettings({ home }, {});
  expect(config).toMatchObject({ home, model: 'omni-guide', httpHost: '127.0.0.1' });
  expect(secrets.uiToken.length).toBeGreaterThan(20);
  expect(JSON.stringify(config)).not.toContain(secrets.uiToken);
});

it('lets arguments win over environment over file', async () => {
  await writeFile(join(home, 'config.json'), JSON.stringify({ threads: 1, model: 'file', contextTokens: 100 }));
  const { config } = await loadSettings({ home, threads: 3 }, { OMNINODE_MODEL: 'env', OMNINODE_THREADS: '2' });
  expect(config).toMatchObject({ threads: 3, model: 'env', contextTokens: 100 });
});

it.each([
  ['{', 'file'],
  ['[]', 'file'],
  ['{"threads":"many"}', 'threads'],
  ['{"colour":"red"}', 'colour'],
])('names what is wrong in %s', async (text, field) => {
  await writeFile(join(home, 'config.json'), text);
  await expect(loadSettings({ home }, {})).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG', meta: { field }, fault: 'user' });
});
