import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSigner, readZoneKey, writeZoneKey, zoneName, type Signer } from '../mesh/index.ts';
import { newZoneKey, type ZoneKey } from '../mesh/zone/zone-key.ts';
import { loadSettings, type HostConfig } from './config.ts';
import { makeInvite } from './invites.ts';
import { joinZone, planJoin } from './join-zone.ts';

const NOW_MS = 1_800_000_000_000;
const AT = '/ip4/192.168.1.7/tcp/4001';
let folder = '';
let inviter: Signer;
let joiner: Signer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-join-'));
  [inviter, joiner] = [await loadSigner({ kind: 'ephemeral' }), await loadSigner({ kind: 'ephemeral' })];
});
afterEach(() => rm(folder, { recursive: true }));

const home = (name: string): string => join(folder, name);
const configOf = async (name: string): Promise<HostConfig> => (await loadSettings({ home: home(name) }, {})).config;
const written = async (name: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(home(name), 'config.json'), 'utf8'));
async function link(zone: HostConfig['zone'], key?: ZoneKey, at = AT): Promise<string> {
  const config = { ...(await configOf('inviter')), zone, allowPeers: zone === 'private' && key === undefined ? ['somebody'] : [] };
  if (key !== undefined) await writeZoneKey(join(home('inviter'), 'zone.key'), key).catch(() => undefined);
  return (await makeInvite(config, inviter, { addresses: [at], nowMs: NOW_MS })).link;
}
const request = async (nowMs = NOW_MS) => ({ config: await configOf('joiner'), peerId: joiner.peerId, nowMs });

test('joining a private zone keeps its key for the owner alone, sets the zone and names the member; twice is as once', async () => {
  const key = newZoneKey();
  const invite = await link('private', key);
  const plan = await joinZone(invite, await request());
  expect(plan).toMatchObject({ inviter: inviter.peerId, zone: 'private', zoneName: zoneName(key), needsRestart: true });
  expect(plan.steps).toHaveLength(3);
  expect((await stat(join(home('joiner'), 'zone.key'))).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await readZoneKey(join(home('joiner'), 'zone.key'))).equals(key)).toBe(true);
  const before = await written('joiner');
  expect(before).toEqual({ peers: [`${AT}/p2p/${inviter.peerId}`], zone: 'private' });
  expect(await joinZone(invite, await request())).toMatchObject({ steps: [], needsRestart: false });
  expect(await written('joiner')).toEqual(before);
  expect((await readdir(home('joiner'))).sort()).toEqual(['config.json', 'zone.key']);
});

test('nothing that is shown or written beside the key’s file holds the key or the link', async () => {
  const key = newZoneKey();
  const invite = await link('private', key);
  const plan = await joinZone(invite, await request());
  for (const text of [JSON.stringify(plan), JSON.stringify(await written('joiner'))]) {
    expect(text).not.toContain(Buffer.from(key).toString('hex'));
    expect(text).not.toContain('omni://');
  }
});

test('an invitation goes by the key that the node goes by: one that was named has to be there', async () => {
  const config: HostConfig = { ...(await configOf('inviter')), zone: 'private', allowPeers: ['somebody'] };
  const invite = (more: Partial<HostConfig>) => makeInvite({ ...config, ...more }, inviter, { addresses: [AT], nowMs: NOW_MS });
  expect(await invite({})).toMatchObject({ hasKey: false });
  await expect(invite({ zoneKeyFile: join(home('inviter'), 'other.key') })).rejects.toMatchObject({ code: 'ZONE_KEY_MISSING' });
});

test('a plan changes nothing', async () => {
  const plan = await planJoin(await link('private', newZoneKey()), await request());
  expect(plan.steps).not.toEqual([]);
  await expect(readdir(home('joiner'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what the configuration says besides stays, and a member’s new address stands for its old one', async () => {
  await joinZone(await link('local'), await request());
  const file = join(home('joiner'), 'config.json');
  const other = `/ip4/10.0.0.9/tcp/1/p2p/${(await loadSigner({ kind: 'ephemeral' })).peerId}`;
  await writeFile(file, JSON.stringify({ ...(await written('joiner')), threads: 3, peers: [other, `${AT}/p2p/${inviter.peerId}`] }));
  await joinZone(await link('local', undefined, '/ip4/192.168.1.8/tcp/4001'), await request());
  expect(await written('joiner')).toEqual({ threads: 3, peers: [other, `/ip4/192.168.1.8/tcp/4001/p2p/${inviter.peerId}`] });
});

test('an invitation to another private zone is refused, and neither key nor configuration is touched', async () => {
  const own = newZoneKey();
  await joinZone(await link('private', own), await request());
  const before = await written('joiner');
  await rm(home('inviter'), { recursive: true });
  await expect(joinZone(await link('private', newZoneKey()), await request())).rejects.toMatchObject({ code: 'HOST_OTHER_ZONE', fault: 'user' });
  await expect(joinZone(await link('private'), await request())).rejects.toMatchObject({ code: 'HOST_OTHER_ZONE' });
  await expect(joinZone(await link('local'), await request())).rejects.toMatchObject({ code: 'HOST_LEAVES_ZONE' });
  expect(await written('joiner')).toEqual(before);
  expect(Buffer.from(await readZoneKey(join(home('joiner'), 'zone.key'))).equals(own)).toBe(true);
});

test('a zone that lets in by list: the inviter is allowed here, and this node’s id is said, to be allowed there', async () => {
  const plan = await joinZone(await link('private'), await request());
  expect(await written('joiner')).toEqual({ peers: [`${AT}/p2p/${inviter.peerId}`], zone: 'private', allowPeers: [inviter.peerId] });
  expect(plan.steps.at(-1)).toContain(joiner.peerId);
});

test('a public node that is invited by a local one stays public', async () => {
  await joinZone(await link('public'), await request());
  await joinZone(await link('local'), await request());
  expect(await written('joiner')).toMatchObject({ zone: 'public' });
});

test('its own invitation, one that is over, or a configuration that is full or broken, changes nothing', async () => {
  const invite = await link('local');
  await expect(joinZone(invite, { ...(await request()), peerId: inviter.peerId })).rejects.toMatchObject({ code: 'INVITE_OWN' });
  await expect(joinZone(invite, await request(NOW_MS + 2 * 86_400_000))).rejects.toMatchObject({ code: 'INVITE_EXPIRED' });
  const joining = await request();
  await joinZone(invite, joining);
  const file = join(home('joiner'), 'config.json');
  const full = JSON.stringify({ peers: Array.from({ length: 64 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1/p2p/somebody${i}`) });
  await writeFile(file, full);
  await expect(joinZone(invite, joining)).rejects.toMatchObject({ code: 'HOST_TOO_MANY_PEERS' });
  expect(await readFile(file, 'utf8')).toBe(full);
  await writeFile(file, '{"colour":"red"}');
  await expect(joinZone(invite, joining)).rejects.toMatchObject({ code: 'HOST_BAD_CONFIG', meta: { field: 'colour' } });
  expect(await readFile(file, 'utf8')).toBe('{"colour":"red"}');
});

test('of its addresses an invitation names those that others can use, the widest first', async () => {
  const config = await configOf('inviter');
  const addresses = ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.7/tcp/1', '/ip4/8.8.8.8/tcp/1', '/dns4/a.example/tcp/1'];
  const named = (list: readonly string[]): string[] => list.map((address) => `${address}/p2p/${inviter.peerId}`);
  const made = await makeInvite(config, inviter, { addresses, nowMs: NOW_MS });
  expect(made).toMatchObject({ reach: undefined, addresses: named(['/dns4/a.example/tcp/1', '/ip4/8.8.8.8/tcp/1', '/ip4/192.168.1.7/tcp/1']) });
  expect(await makeInvite(config, inviter, { addresses: addresses.slice(0, 1), nowMs: NOW_MS })).toMatchObject({ reach: 'machine', addresses: named(addresses.slice(0, 1)) });
});
