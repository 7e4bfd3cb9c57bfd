import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { commands, DEFAULT_PREFERENCES, type Setting, type SettingChanges } from '../../../src-preload/bridge/index.ts';
import { createLogger, LogLines } from '../../base/index.ts';
import { ScriptedHost } from '../../../test/support/scripted-host.ts';
import { configSchema, knownSecrets, loadSettings } from '../config.ts';
import { appPaths } from '../paths.ts';
import { isOutdated } from './live-settings.ts';
import { aboutService, apiKeyService, collectDiagnostics, preferenceService, settingsService } from './index.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-settings-'));
});

const write = (config: object) => writeFile(join(home, 'config.json'), JSON.stringify(config));
const kept = async () => JSON.parse(await readFile(join(home, 'config.json'), 'utf8')) as unknown;
const started = async (env: Record<string, string> = {}, args: object = {}) => settingsService(await loadSettings({ home, ...args }, env));
const find = ({ settings }: { readonly settings: readonly Setting[] }, key: string) => settings.find((one) => one.key === key);

it('tells what the next start will have, where that is said, and what needs one', async () => {
  await write({ name: 'studio', contextTokens: 2048, model: 'kept as it is' });
  const service = await started({ OMNINODE_STORE_QUOTA_BYTES: '5000000' }, { httpPort: 4180 });
  const page = commands['settings.get'].output.parse(await service.get());
  expect(find(page, 'name')).toEqual({ key: 'name', value: 'studio', fallback: null, source: 'file' });
  expect(find(page, 'storeQuotaBytes')).toMatchObject({ value: 5_000_000, source: 'environment' });
  expect(find(page, 'httpPort')).toMatchObject({ value: 4180, fallback: 0, source: 'command line' });
  expect(find(page, 'shareStore')).toMatchObject({ value: true, source: 'default' });
  const changed = await service.set({ changes: { contextTokens: 4096, name: null, relays: [], mdns: true } });
  expect(find(changed, 'contextTokens')).toMatchObject({ value: 4096, fallback: 1024, waitsFor: 'restart' });
  expect(find(changed, 'name')).toMatchObject({ value: null, source: 'default', waitsFor: 'restart' });
  expect(find(changed, 'listen')).toMatchObject({ value: ['/ip4/0.0.0.0/tcp/0'], waitsFor: 'restart' });
  expect(await kept()).toEqual({ contextTokens: 4096, model: 'kept as it is', relays: [], mdns: true });
});

it('goes by some at once, tells what waits for the model or a start, and lets what wins over the file count further', async () => {
  const settings = await loadSettings({ home, threads: 3 }, { OMNINODE_LOG: 'error' });
  const adopted: object[] = [];
  let [now, loaded] = [settings.config, settings.config];
  const service = settingsService(settings, { config: () => now, loaded: () => loaded, adopt: async (keys) => {
    adopted.push(keys);
    now = configSchema.parse({ ...now, ...keys });
  } });
  const changed = await service.set({ changes: { name: 'studio', uploadBytesPerSecond: 5_000, contextTokens: 4096, threads: 1, logLevel: 'debug', httpPort: 4180 } });
  expect(adopted).toEqual([{ name: 'studio', uploadBytesPerSecond: 5_000, contextTokens: 4096 }]);
  expect(changed.settings.flatMap(({ key, waitsFor }) => (waitsFor === undefined ? [] : [[key, waitsFor]]))).toEqual([['contextTokens', 'model'], ['httpPort', 'restart']]);
  expect(isOutdated(loaded, now)).toBe(true);
  loaded = now;
  expect(isOutdated(loaded, now)).toBe(false);
  const back = await service.set({ changes: { name: null, httpPort: null } });
  expect(adopted.at(-1)).toEqual({ name: undefined });
  expect(back.settings.filter(({ waitsFor }) => waitsFor !== undefined)).toEqual([]);
});

it('loses no change of two that come together', async () => {
  const service = await started();
  await Promise.all([service.set({ changes: { name: 'one' } }), service.set({ changes: { threads: 2 } }), service.set({ changes: { gpuLayers: 0 } })]);
  expect(await kept()).toEqual({ name: 'one', threads: 2, gpuLayers: 0 });
});

it.each<[SettingChanges, string]>([
  [{ contextTokens: 3 }, 'contextTokens'],
  [{ name: 'fine', httpPort: 99_999 }, 'httpPort'],
  [{ relays: ['not an address'] }, 'relays.0'],
  [{ hubUrl: 'ftp://x' }, 'hubUrl'],
  [{ payPrice: '0' }, 'payPrice'],
  [{ payUpTo: '1e3' }, 'payUpTo'],
  [{ embeddingModel: '/no/such/folder' }, 'embeddingModel'],
])('changes nothing where %j is not what the configuration takes', async (changes, field) => {
  await write({ name: 'before' });
  await expect((await started()).set({ changes })).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG', meta: { field } });
  expect(await kept()).toEqual({ name: 'before' });
});

it('does not change the zone, and takes no key that is not offered', async () => {
  await expect((await started()).set({ changes: { zone: 'public' } })).rejects.toMatchObject({ code: 'HOST_SETTING_FIXED' });
  for (const key of ['zoneKeyFile', 'home', 'allowPeers', 'uiToken', '__proto__x']) expect(commands['settings.set'].input.safeParse({ changes: { [key]: 'x' } }).success, key).toBe(false);
  expect(commands['settings.set'].input.safeParse({ changes: { name: 'x'.repeat(3_000) } }).success).toBe(false);
});

it('keeps how pages look, and does without what it cannot read', async () => {
  expect(preferenceService(home).now()).toEqual(DEFAULT_PREFERENCES);
  const service = preferenceService(home);
  await Promise.all([service.set({ theme: 'dark' }), service.set({ density: 'compact' }), service.set({ theme: 'light' })]);
  expect(preferenceService(home).now()).toEqual({ ...DEFAULT_PREFERENCES, theme: 'light', density: 'compact' });
  await writeFile(join(home, 'preferences.json'), '{"theme":"pink');
  expect(preferenceService(home).now()).toEqual(DEFAULT_PREFERENCES);
});

it('shows a new key once, and never again', async () => {
  const service = apiKeyService(home);
  const { key, text } = await service.create({ name: 'editor', scopes: ['chat'], perMinute: 60 });
  expect(text).toMatch(/^omni_/);
  const listed = await service.list();
  expect(listed.keys).toEqual([key]);
  expect(JSON.stringify(listed)).not.toContain(text.slice(-20));
  expect(await service.remove({ id: key.id })).toEqual({});
  expect((await service.list()).keys).toEqual([]);
});

it('tells what it is made of, and opens no other file', async () => {
  const service = aboutService(appPaths(), home);
  const about = commands['about.get'].output.parse(await service.get());
  expect(about).toMatchObject({ version: '0.1.0', licence: 'MIT OR Apache-2.0' });
  expect(about.parts.find(({ name }) => name === 'react')).toMatchObject({ licence: 'MIT' });
  for (const { id, title } of about.documents) expect(commands['about.document'].output.parse(await service.document({ id })).title).toBe(title);
  expect(about.documents.map(({ id }) => id)).toContain('api');
  for (const id of ['../package.json', 'toString', 'package.json', '/etc/passwd']) await expect(service.document({ id })).rejects.toMatchObject({ code: 'HOST_NO_DOCUMENT' });
});

it('collects what helps to find a fault, and nothing that opens anything or was said', async () => {
  const { text: apiKey } = await apiKeyService(home).create({ name: '', scopes: ['chat'], perMinute: 60 });
  const zoneKey = 'deadbeef'.repeat(8);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'zone.key'), `${zoneKey}\n`, { mode: 0o600 });
  const settings = await loadSettings({ home, zone: 'private' }, { OMNINODE_HUB_TOKEN: 'hub-token-planted-1', OMNINODE_UI_TOKEN: 'ui-token-planted-2' });
  const lines = new LogLines(() => knownSecrets(settings));
  const logger = createLogger('silent', { write: () => undefined }, lines);
  logger.warn({ url: `http://127.0.0.1/#key=${settings.secrets.uiToken}`, prompt: 'said-planted-3', key: apiKey, zoneKey }, `hub refused ${settings.secrets.hubToken}`);
  logger.info('a line to be found');
  const host = new ScriptedHost();
  host.script = async function* () { yield { text: 'said-planted-3' }; };
  const api = { info: () => host.info(), status: () => ({ kind: 'error' as const, code: 'X', message: 'hub-token-planted-1' }), stages: () => host.stages(), peers: () => host.peers(), standing: () => host.standing(), logs: lines };
  const { text, fileName } = commands['diagnostics.collect'].output.parse(await collectDiagnostics({ settings, paths: appPaths(), api, metrics: { contentType: '', text: async () => 'omninode_up 1\n' } }));
  expect(fileName).toMatch(/^omninode-diagnostics-[\d-]+\.json$/);
  for (const secret of ['hub-token-planted-1', 'ui-token-planted-2', 'said-planted-3', apiKey, apiKey.slice(-30), zoneKey]) expect(text, secret).not.toContain(secret);
  const found = JSON.parse(text) as Record<string, unknown>;
  expect(Object.keys(found)).toEqual(['about', 'program', 'configuration', 'overrides', 'state', 'peers', 'doctor', 'network', 'metrics', 'log']);
  expect(found).toMatchObject({ configuration: { zone: 'private', contextTokens: 1024 }, overrides: { zone: 'command line' }, metrics: ['omninode_up 1', ''] });
  expect(text).toContain('a line to be found');
  expect(JSON.stringify(found['doctor'])).toContain('stage engine');
});
