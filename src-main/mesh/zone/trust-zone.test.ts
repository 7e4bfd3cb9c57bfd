import { multiaddr } from '@multiformats/multiaddr';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentLogger, systemClock } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { Counted } from '../testing/counted.ts';
import { addressOf, ECHO_PROTOCOL, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import { BanList } from './bans.ts';
import type { ZoneOption } from './options.ts';
import { TrustZone } from './trust-zone.ts';
import { newZoneKey } from './zone-key.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const PEER = '12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq';
const privateKey = await loadIdentity({ kind: 'ephemeral' });
const zoneOf = (zone: ZoneOption): TrustZone =>
  new TrustZone({ zone, privateKey, bans: new BanList(undefined, systemClock), clock: systemClock, logger: silentLogger, refused: () => undefined });
const refusal = (zone: ZoneOption, address: string): string | undefined => zoneOf(zone).refusalOf(multiaddr(`${address}/p2p/${PEER}`))?.code;

test.each([
  ['/ip4/127.0.0.1/tcp/1', undefined], ['/ip4/192.168.1.7/tcp/1', undefined], ['/ip6/fd00::1/tcp/1', undefined], ['/dns4/somewhere.example/tcp/1', undefined],
  ['/ip4/203.0.113.7/tcp/1', 'ZONE_OUTSIDE'], ['/ip6/2001:db8::1/tcp/1', 'ZONE_OUTSIDE'], ['/ip4/203.0.113.7/udp/1/quic-v1', 'ZONE_OUTSIDE'],
])('in the local zone %s is %s', (address, code) => {
  expect(refusal({ kind: 'local' }, address)).toBe(code);
  expect(refusal({ kind: 'public' }, address)).toBeUndefined();
});

test('a private zone dials no transport on which it cannot prove itself first, and with an allow-list nobody else', () => {
  expect(refusal({ kind: 'private', key: newZoneKey() }, '/ip4/203.0.113.7/udp/1/quic-v1')).toBe('ZONE_SILENT_PEER');
  expect(refusal({ kind: 'private', key: newZoneKey() }, '/ip4/203.0.113.7/tcp/1')).toBeUndefined();
  expect(refusal({ kind: 'private', allow: [nodes as never] }, '/ip4/127.0.0.1/tcp/1')).toBe('ZONE_NOT_ALLOWED');
});

test('the owner’s dial says why', async () => {
  const near = await nodes.start({ zone: { kind: 'local' } });
  await expect(near.dial(`/ip4/203.0.113.7/tcp/1/p2p/${PEER}`)).rejects.toMatchObject({ code: 'ZONE_OUTSIDE', next: expect.stringContaining('zone') });
  await expect(near.openDirect(`/ip4/203.0.113.7/tcp/1/p2p/${PEER}`, ECHO_PROTOCOL, { limits: TEST_LIMITS })).rejects.toMatchObject({ code: 'ZONE_OUTSIDE' });
  expect(await near.dial(addressOf(await nodes.start({ zone: { kind: 'local' } })))).toBeDefined();
});

test('a ban that another process writes ends the sessions of the peer, and keeps it out, on both kinds of streams', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'omninode-zone-'));
  try {
    const bansPath = join(folder, 'bans.json');
    const counted = new Counted();
    const far = await nodes.start({ bansPath, metrics: counted.metrics });
    const near = await nodes.start();
    await near.dial(addressOf(far));
    const [ours] = await streamBetween({ near, far }, { far: { ...TEST_LIMITS, direct: true } });
    const direct = await near.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: TEST_LIMITS });
    await new BanList(bansPath, systemClock).add(near.peerId, { reason: 'test', durationMs: 60_000 });
    expect(await ours.closed).toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    expect(await direct.closed).toMatchObject({ code: 'MESH_CONNECTION_LOST' });
    await expect(near.dial(addressOf(far)).then(() => near.ping(far.peerId))).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    const refused = near.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: TEST_LIMITS }).then((stream) => stream.closed.then((error) => { throw error; }));
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    // The session that was, and the direct stream; the dial may have met the session before it ended.
    await counted.reaches('ZONE_BANNED', 2);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a banned peer is not dialled either', async () => {
  const bans = new BanList(undefined, systemClock);
  const zone = new TrustZone({ zone: { kind: 'public' }, privateKey, bans, clock: systemClock, logger: silentLogger, refused: () => undefined });
  await bans.add(PEER, { reason: '' });
  expect(zone.refusalOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${PEER}`))?.code).toBe('ZONE_BANNED');
});
