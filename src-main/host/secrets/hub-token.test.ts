import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SecretBox } from '../../base/index.ts';
import { loadSettings } from '../config.ts';
import { HubToken, type HubTokenInit } from './hub-token.ts';

const HUB = 'https://huggingface.co';
const TOKEN = 'hf_averysecrettoken';
let home: string;
beforeEach(() => { home = mkdtempSync(join(tmpdir(), 'omninode-hub-token-')); });
afterEach(() => rmSync(home, { recursive: true }));

/** Stands for the system's: what it gives can be opened by it alone. */
const box: SecretBox = {
  seal: (text) => Buffer.from(`sealed:${Buffer.from(text).toString('hex')}`),
  open: (bytes) => {
    const [, hex] = /^sealed:([0-9a-f]+)$/.exec(Buffer.from(bytes).toString()) ?? [];
    if (hex === undefined) throw new Error(`not mine: ${Buffer.from(bytes).toString()}`);
    return Buffer.from(hex, 'hex').toString();
  },
};
const token = (init: Partial<HubTokenInit> = {}): HubToken => new HubToken({ home, hubUrl: HUB, given: undefined, keeping: {}, ...init });
const path = (): string => join(home, 'hub-token.json');

it('is kept in a file for its owner alone, and forgotten', async () => {
  const kept = token();
  expect([await kept.state(), kept.value]).toEqual([{ from: 'none', keeping: 'file' }, undefined]);
  expect(await kept.set(TOKEN)).toEqual({ from: 'kept', keeping: 'file' });
  expect(kept.value).toBe(TOKEN);
  if (process.platform !== 'win32') expect(statSync(path()).mode & 0o777).toBe(0o600);
  const again = token();
  expect([await again.state(), again.value]).toEqual([{ from: 'kept', keeping: 'file' }, TOKEN]);
  expect(await again.set(null)).toEqual({ from: 'none', keeping: 'file' });
  expect(readdirSync(home)).toEqual([]);
});

it('is sealed where the system can: nothing of it lies in the file', async () => {
  expect(await token({ keeping: { box } }).set(TOKEN)).toEqual({ from: 'kept', keeping: 'sealed' });
  expect(readFileSync(path(), 'utf8')).not.toContain(TOKEN);
  const opened = token({ keeping: { box } });
  await opened.load();
  expect(opened.value).toBe(TOKEN);
  await expect(token().load()).rejects.toMatchObject({ code: 'SECRET_SEALED' });
});

it('that lies there open is sealed at the next look', async () => {
  await token().set(TOKEN);
  expect(readFileSync(path(), 'utf8')).toContain(TOKEN);
  const sealing = token({ keeping: { box } });
  await sealing.load();
  expect([sealing.value, readFileSync(path(), 'utf8').includes(TOKEN)]).toEqual([TOKEN, false]);
});

it('says why it is not sealed', async () => {
  expect(await token({ keeping: { why: 'no key ring runs' } }).state()).toEqual({ from: 'none', keeping: 'file', why: 'no key ring runs' });
});

it('of the environment wins, and goes to no other hub than the one it was kept for', async () => {
  await token().set(TOKEN);
  const given = token({ given: 'from-env' });
  expect([await given.state(), given.value]).toEqual([{ from: 'environment', keeping: 'file' }, 'from-env']);
  const other = token({ hubUrl: 'https://mirror.example' });
  expect([await other.state(), other.value]).toEqual([{ from: 'none', keeping: 'file' }, undefined]);
});

it('in a file that is damaged, or that others may read, is not used, and stands in no error', async () => {
  for (const text of ['', '{', TOKEN, JSON.stringify({ version: 1, kept: 'file', value: TOKEN }), JSON.stringify({ version: 1, kept: 'sealed', value: Buffer.from(TOKEN).toString('base64') }), JSON.stringify({ version: 2, kept: 'file', value: TOKEN }), `"${'x'.repeat(20_000)}"`]) {
    writeFileSync(path(), text, { mode: 0o600 });
    chmodSync(path(), 0o600);
    const error = await token({ keeping: { box } }).load().then(() => undefined, (reason: unknown) => reason);
    expect([text.slice(0, 40), error]).toMatchObject([expect.any(String), { code: 'SECRET_UNREADABLE' }]);
    expect(JSON.stringify([error, String(error), String((error as Error).cause)])).not.toContain(TOKEN);
  }
  if (process.platform === 'win32') return;
  await token().set(TOKEN);
  chmodSync(path(), 0o640);
  await expect(token().load()).rejects.toMatchObject({ code: 'SECRET_READABLE_BY_OTHERS' });
});

it('is what the hub is asked with from the moment it is kept', async () => {
  const settings = await loadSettings({ home }, {});
  expect(settings.secrets.hubToken).toBeUndefined();
  await settings.hubToken?.set(TOKEN);
  expect([settings.secrets.hubToken, (await loadSettings({ home }, {})).secrets.hubToken]).toEqual([TOKEN, TOKEN]);
  expect((await loadSettings({ home, hubUrl: 'https://mirror.example' }, {})).secrets.hubToken).toBeUndefined();
  expect((await loadSettings({ home }, { HF_TOKEN: 'hf_of_the_environment' })).secrets.hubToken).toBe('hf_of_the_environment');
  // A file that cannot be used costs the token, not the start.
  writeFileSync(path(), 'garbage');
  expect((await loadSettings({ home }, {})).secrets.hubToken).toBeUndefined();
});
