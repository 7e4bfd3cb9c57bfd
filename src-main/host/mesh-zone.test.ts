import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSettings } from './config.ts';
import { passingIdentity, zoneOptions, zoneSettings } from './mesh-zone.ts';
import { addBan, listBans, newZone, removeBan, zoneReport } from './zone-admin.ts';

const PEER = '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq';
let home = '';
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-zone-')); });
afterEach(() => rm(home, { recursive: true }));
const configOf = async (values: object, env: Record<string, string> = {}) => (await loadSettings({ home, ...values }, env)).config;

test('a node is in the local zone, and takes ten sessions a second of an address, unless told otherwise', async () => {
  expect(await zoneOptions(await configOf({}))).toEqual({ zone: { kind: 'local' }, bansPath: join(home, 'bans.json'), knocksPath: join(home, 'knocks'), sessionsPerSecond: 10 });
  expect(await configOf({}, { OMNINODE_ZONE: 'public', OMNINODE_SESSIONS_PER_SECOND: '64' })).toMatchObject({ zone: 'public', sessionsPerSecond: 64 });
  await expect(configOf({ zone: 'secret' })).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG' });
  await expect(configOf({ allowPeers: ['evil'] })).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG' });
});

test('a private zone wants its key, or an allow-list; a key that was named has to be there', async () => {
  await expect(zoneOptions(await configOf({ zone: 'private' }))).rejects.toMatchObject({ code: 'ZONE_KEY_MISSING' });
  const listed = await configOf({ zone: 'private', allowPeers: [PEER] });
  expect((await zoneOptions(listed)).zone).toMatchObject({ kind: 'private', key: undefined, allow: [PEER], house: expect.any(Uint8Array) });
  await expect(zoneOptions({ ...listed, zoneKeyFile: join(home, 'other.key') })).rejects.toMatchObject({ code: 'ZONE_KEY_MISSING' });
  await newZone(listed);
  expect((await zoneOptions(listed)).zone).toMatchObject({ key: expect.any(Uint8Array), allow: [PEER] });
});

test('what other processes are told of the zone holds no secret, and they come to the same', async () => {
  const config = await configOf({ zone: 'private' });
  await newZone(config);
  const told = JSON.parse(JSON.stringify(zoneSettings(config))) as ReturnType<typeof zoneSettings>;
  expect(await zoneOptions(told)).toEqual(await zoneOptions(config));
  expect((await zoneOptions({ ...told, allowPeers: [PEER] }, { isPassing: true })).zone).toMatchObject({ sponsorPath: join(home, 'identity.key') });
  expect((await zoneOptions(told, { isPassing: true })).zone).not.toHaveProperty('sponsorPath');
  expect(passingIdentity(told)).toEqual({ kind: 'ephemeral' });
  expect(passingIdentity({ ...told, allowPeers: [PEER] })).toEqual({ kind: 'file', path: join(home, 'identity.key') });
});

test('the owner sees the zone by the name of its key, and makes no second one by mistake', async () => {
  const config = await configOf({ zone: 'private' });
  expect(await zoneReport(config)).toMatchObject({ zone: 'private', keyName: null });
  const made = await newZone(config);
  const report = await zoneReport(config);
  expect(report).toMatchObject({ keyName: made.name, keyPath: made.path, peerId: expect.stringMatching(/^12D3/) });
  expect(report.peerId).toBe((await zoneReport(config)).peerId);
  await expect(newZone(config)).rejects.toMatchObject({ code: 'ZONE_KEY_EXISTS' });
  await writeFile(made.path, 'x', { mode: 0o600 });
  await expect(zoneReport(config)).rejects.toMatchObject({ code: 'ZONE_KEY_CORRUPT' });
});

test('bans are made, shown and lifted', async () => {
  const config = await configOf({});
  await addBan(config, PEER, { reason: 'test', durationMs: 60_000 });
  expect(await listBans(config)).toMatchObject([{ subject: PEER, reason: 'test' }]);
  expect(await removeBan(config, PEER)).toBe(true);
  expect(await listBans(config)).toEqual([]);
});
