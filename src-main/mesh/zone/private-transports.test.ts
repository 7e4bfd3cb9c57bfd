import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addressOf, streamBetween, TestNodes } from '../testing/nodes.ts';
import { Counted } from '../testing/counted.ts';
import { ownUdpPorts, UdpStranger } from '../testing/udp.ts';
import type { Mesh } from '../types.ts';
import { newZoneKey, type ZoneKey } from './zone-key.ts';

const nodes = new TestNodes();
let key: ZoneKey;
let counted: Counted;
const strangers: UdpStranger[] = [];
beforeEach(() => {
  key = newZoneKey();
  counted = new Counted();
});
afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.close();
  await nodes.stop();
});

async function udpStranger(): Promise<UdpStranger> {
  const stranger = await UdpStranger.open();
  strangers.push(stranger);
  return stranger;
}

const ofZone = () => ({ zone: { kind: 'private' as const, key }, metrics: counted.metrics });
/** Members: a relay, one behind it, and one that dials; and the address by which WebRTC is arranged. */
async function arranged(): Promise<{ relay: Mesh; far: Mesh; near: Mesh; webrtc: string }> {
  const relay = await nodes.start({ ...ofZone(), relayServer: {} });
  const far = await nodes.start({ ...ofZone(), listen: [`${addressOf(relay)}/p2p-circuit`, '/webrtc'] });
  const near = await nodes.start({ ...ofZone(), listen: [] });
  return { relay, far, near, webrtc: `${addressOf(relay)}/p2p-circuit/webrtc/p2p/${far.peerId}` };
}

// RFC 8489: a binding request without attributes.
const STUN = Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]);
// RFC 6347: the beginning of a handshake record of DTLS 1.2 with a hello.
const DTLS = Buffer.concat([Buffer.from('16fefd0000000000000000004c010000400000000000000040fefd', 'hex'), randomBytes(53)]);
/** With a user name that ICE could look for, and no proof. */
const STUN_NAMED = Buffer.concat([Buffer.from('000100102112a442', 'hex'), randomBytes(12), Buffer.from('0006000c', 'hex'), Buffer.from('abcd:efghijk')]);

describe('WebRTC in a private zone', () => {
  test('members arrange it over a session that began with a knock; nobody else gets so far', async () => {
    const { relay, far, near, webrtc } = await arranged();
    const other = await nodes.start({ zone: { kind: 'private', key: newZoneKey() }, listen: [] });
    await expect(other.dial(webrtc)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    expect(counted.of('ZONE_STRANGER')).toBeGreaterThan(0);
    expect(far.peers().map(({ peer }) => peer)).toEqual([relay.peerId]);

    counted.refusals.clear();
    expect(await near.dial(webrtc)).toBe(far.peerId);
    expect(near.peers()).toContainEqual(expect.objectContaining({ peer: far.peerId, transport: 'webrtc', route: 'direct' }));
    await relay.stop();
    const [ours, theirs] = await streamBetween({ near, far });
    await ours.send(Buffer.from('among members'));
    expect(Buffer.from((await theirs[Symbol.asyncIterator]().next()).value ?? []).toString()).toBe('among members');
    expect(counted.refusals.size).toBe(0);
  });

  test.skipIf(process.platform !== 'linux')('its UDP ports say nothing to a stranger, whatever he says', async () => {
    const before = new Set(ownUdpPorts());
    const { far, near, webrtc } = await arranged();
    await near.dial(webrtc);
    const ports = ownUdpPorts().filter((port) => !before.has(port));
    expect(ports.length).toBeGreaterThanOrEqual(2);
    const stranger = await udpStranger();
    for (const port of ports) for (const bytes of [STUN, STUN_NAMED, DTLS, randomBytes(100), Buffer.of(0)]) await stranger.send(bytes, port);
    // The same ports hear these after what the stranger said, and answer.
    for (const [from, to] of [[near, far], [far, near]] as const) expect(await from.ping(to.peerId)).toBeGreaterThan(0);
    await stranger.settle();
    expect(stranger.heard).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('a relay tells its address to members only (STUN)', async () => {
    const relay = await nodes.start({ ...ofZone(), listen: ['/ip4/127.0.0.1/tcp/0'], nat: { stunServer: { address: '127.0.0.1', port: 0 } } });
    const port = ownUdpPorts().find((one) => one !== 0) ?? 0;
    const stranger = await udpStranger();
    await stranger.send(STUN, port);
    await counted.reaches('STUN_STRANGER', 1);
    const member = await nodes.start({ ...ofZone(), listen: [] });
    await member.dial(addressOf(relay));
    await stranger.send(STUN, port);
    while (stranger.heard.length === 0) await stranger.settle();
    // One answer: to the question that came from where a member is.
    expect(stranger.heard).toHaveLength(1);
    expect(stranger.heard[0]?.subarray(8, 20)).toEqual(STUN.subarray(8));
  });
});

describe('other transports in a private zone', () => {
  test.each([
    ['QUIC', '/udp/PORT/quic-v1'],
    ['WebRTC direct', '/udp/PORT/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ'],
  ])('%s is not dialled: not a byte is sent to who listens there', async (_, way) => {
    const [listener, member] = [await udpStranger(), await nodes.start({ ...ofZone(), listen: [] })];
    const { peerId } = await nodes.start();
    const address = `/ip4/127.0.0.1${way.replace('PORT', String(listener.port))}/p2p/${peerId}`;
    await expect(member.dial(address)).rejects.toMatchObject({ code: 'ZONE_SILENT_PEER' });
    await listener.settle();
    expect(listener.heard).toEqual([]);
  });

  test('a WebSocket that a stranger listens on gets a knock, and nothing he can use', async () => {
    const [stranger, member] = [await nodes.start({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] }), await nodes.start({ ...ofZone(), listen: [] })];
    await expect(member.dial(addressOf(stranger))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'another zone' } });
    expect(stranger.peers()).toEqual([]);
  });
});
