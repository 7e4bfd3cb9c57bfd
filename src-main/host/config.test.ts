import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { loadSettings } from './config.ts';
import { microBatchOf } from './micro-batch.ts';

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

it('listens on the network when it is to be found there, and only then; and where its owner says, if he does', async () => {
  expect((await loadSettings({ home }, {})).config.listen).toEqual(['/ip4/127.0.0.1/tcp/0']);
  expect((await loadSettings({ home }, { OMNINODE_MDNS: '1' })).config.listen).toEqual(['/ip4/0.0.0.0/tcp/0']);
  await writeFile(join(home, 'config.json'), JSON.stringify({ mdns: true, listen: ['/ip4/127.0.0.1/tcp/4001'] }));
  expect((await loadSettings({ home }, {})).config.listen).toEqual(['/ip4/127.0.0.1/tcp/4001']);
});

it('takes the rows of a micro-batch as a number or as measured', async () => {
  expect((await loadSettings({ home }, {})).config).toMatchObject({ batchTokens: 'fair', prefillSliceMs: 100 });
  expect((await loadSettings({ home }, { OMNINODE_BATCH_TOKENS: 'auto', OMNINODE_PREFILL_SLICE_MS: '50' })).config).toMatchObject({ batchTokens: 'auto', prefillSliceMs: 50 });
  const { config } = await loadSettings({ home, batchTokens: 64 }, { OMNINODE_BATCH_TOKENS: 'auto' });
  expect(microBatchOf(config)).toEqual({ batchTokens: 64 });
  expect(microBatchOf({ ...config, batchTokens: 'auto', contextTokens: 128 })).toEqual({ batchTokens: 128, adapt: 'speed' });
  expect(microBatchOf({ ...config, batchTokens: 'fair', contextTokens: 1024 })).toEqual({ batchTokens: 256, adapt: 'slice' });
});

it.each([
  ['{"batchTokens":0}', 'batchTokens'],
  ['{', 'file'],
  ['[]', 'file'],
  ['{"threads":"many"}', 'threads'],
  ['{"colour":"red"}', 'colour'],
])('names what is wrong in %s', async (text, field) => {
  await writeFile(join(home, 'config.json'), text);
  await expect(loadSettings({ home }, {})).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG', meta: { field }, fault: 'user' });
});

it('gives the token of huggingface.co to no other hub', async () => {
  const env = { HF_TOKEN: 'hf_secret' };
  expect((await loadSettings({ home }, env)).secrets.hubToken).toBe('hf_secret');
  expect((await loadSettings({ home }, { ...env, OMNINODE_HUB_URL: 'https://mirror.example/x' })).secrets.hubToken).toBeUndefined();
  const { config, secrets } = await loadSettings({ home }, { ...env, OMNINODE_HUB_URL: 'https://mirror.example/x', OMNINODE_HUB_TOKEN: 'own' });
  expect(secrets.hubToken).toBe('own');
  expect(config.hubUrl).toBe('https://mirror.example');
});
