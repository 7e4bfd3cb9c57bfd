import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { MessageStream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asPeerId, ManualClock, systemClock, type PeerId } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createMeshLibp2p } from '../node/create-libp2p.ts';
import { addressOf, ECHO_PROTOCOL, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import { Counted } from '../testing/counted.ts';
import { strangerAt } from '../testing/stranger.ts';
import { tlsHello } from '../testing/tls-hello.ts';
import type { FrameStream, Mesh } from '../types.ts';
import { KNOCK_WINDOW_MS, MAX_FAULTS } from './constants.ts';
import { houseKey } from './house-key.ts';
import { ANSWER_BYTES, KNOCK_BYTES, knockName, newKnock } from './knock.ts';
import { takeBytes } from './take-bytes.ts';
import type { TrustZone } from './trust-zone.ts';
import { newZoneKey, type ZoneKey } from './zone-key.ts';

const nodes = new TestNodes();
let key: ZoneKey;
let counted: Counted;
let member: Mesh;
beforeEach(async () => {
  key = newZoneKey();
  counted = new Counted();
  member = await nodes.start({ zone: { kind: 'private', key }, metrics: counted.metrics });
});
afterEach(() => nodes.stop());

const ofZone = (): Promise<Mesh> => nodes.start({ zone: { kind: 'private', key } });
const echo = async (stream: FrameStream): Promise<void> => {
  for await (const frame of stream) await stream.send(frame);
  await stream.close();
};
// A peer may leave in the middle.
const serve = (stream: FrameStream): void => void echo(stream).catch(() => undefined);
async function echoed(stream: FrameStream, text: string): Promise<string> {
  await stream.send(Buffer.from(text));
  const { value } = await stream[Symbol.asyncIterator]().next();
  void stream.close();
  return Buffer.from(value as Uint8Array).toString();
}

describe('a private zone by key', () => {
  test('members meet as others do, over either TLS, and by name on both sides', async () => {
    for (const nativeTls of [false, true]) {
      const other = await nodes.start({ zone: { kind: 'private', key }, nativeTls });
      const met = member.events.once('peer:identify');
      expect(await other.dial(addressOf(member))).toBe(member.peerId);
      expect((await met).peer).toBe(other.peerId);
      expect(await other.ping(member.peerId)).toBeGreaterThan(0);
    }
    expect(counted.refusals.size).toBe(0);
  });

  test('streams that have a connection for themselves pass too, in both orders of registration', async () => {
    await member.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
    const other = await ofZone();
    expect(await echoed(await other.openDirect(addressOf(member), ECHO_PROTOCOL, { limits: TEST_LIMITS }), 'direct')).toBe('direct');
    await other.dial(addressOf(member));
    expect(await echoed(await other.open(member.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS }), 'among others')).toBe('among others');
  });

  const hello = Buffer.from('\x13/multistream/1.0.0\n');
  const anyHello = Buffer.concat([Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), Buffer.alloc(600, 7)]);
  test.each([['nothing and leaves', Buffer.alloc(0), true], ['what libp2p says first, and waits', hello, false], ['a TLS hello', anyHello, false], ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), true], ['a knock’s worth of noise', Buffer.alloc(KNOCK_BYTES, 9), false]])(
    'a stranger who says %s hears not one byte', async (_what, bytes, ends) => {
      await member.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
      expect((await strangerAt(addressOf(member), bytes, { ends })).bytes).toHaveLength(0);
      expect(counted.of('ZONE_STRANGER') + counted.of('ZONE_HANDSHAKE_FAILED')).toBe(1);
    });

  test.each(['another key', 'no key', 'the allow-list’s way']) ('a node with %s is told nothing, on both kinds of streams', async (what) => {
    await member.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
    const zone = what === 'no key' ? { kind: 'public' as const } : { kind: 'private' as const, key: what === 'another key' ? newZoneKey() : undefined, allow: what === 'another key' ? undefined : [member.peerId] };
    const stranger = await nodes.start({ zone });
    await expect(stranger.dial(addressOf(member))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    await expect(stranger.openDirect(addressOf(member), ECHO_PROTOCOL, { limits: TEST_LIMITS })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    // What TLS says first is longer than a knock, what libp2p says first shorter.
    expect(counted.of('ZONE_STRANGER') + counted.of('ZONE_HANDSHAKE_FAILED')).toBe(2);
    expect(member.peers()).toEqual([]);
  });

  test('a member who is lured to a stranger tells him nothing he can use', async () => {
    const stranger = await nodes.start();
    await stranger.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
    await expect(member.dial(addressOf(stranger))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'another zone' } });
    await expect(member.openDirect(addressOf(stranger), ECHO_PROTOCOL, { limits: TEST_LIMITS })).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED', meta: { reason: 'another zone' } });
    expect(stranger.peers()).toEqual([]);
  });

  test('a knock that was overheard is answered once only, and opens nothing for who repeats it', async () => {
    const privateKey = await loadIdentity({ kind: 'ephemeral' });
    const { bytes, answer } = await newKnock({ privateKey, key, listener: member.peerId }, systemClock.now());
    const first = await strangerAt(addressOf(member), bytes, { enough: ANSWER_BYTES });
    expect(first.bytes.equals(answer)).toBe(true);
    expect((await strangerAt(addressOf(member), bytes)).bytes).toHaveLength(0);
    expect(counted.of('ZONE_KNOCK_REPLAYED')).toBe(1);
  });

  test('nor after a restart, nor by another process of its home', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'omninode-knocks-'));
    try {
      const setup = { zone: { kind: 'private' as const, key }, metrics: counted.metrics, identity: { kind: 'file' as const, path: join(folder, 'identity.key') }, knocksPath: join(folder, 'knocks') };
      const before = await nodes.start(setup);
      const privateKey = await loadIdentity({ kind: 'ephemeral' });
      const [plain, direct] = [await newKnock({ privateKey, key, listener: before.peerId }, systemClock.now()), await newKnock({ privateKey, key, listener: before.peerId }, systemClock.now())];
      expect((await strangerAt(addressOf(before), plain.bytes, { enough: ANSWER_BYTES })).bytes.equals(plain.answer)).toBe(true);
      await before.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
      const hello = await tlsHello(knockName(direct.bytes), ECHO_PROTOCOL);
      expect((await strangerAt(addressOf(before), hello, { enough: 1 })).bytes.length).toBeGreaterThan(0);
      // As the process that moves shards: the same peer id, on another port.
      const beside = await nodes.start(setup);
      await before.stop();
      const after = await nodes.start(setup);
      expect(after.peerId).toBe(before.peerId);
      for (const node of [beside, after]) {
        await node.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
        for (const overheard of [plain.bytes, hello]) expect((await strangerAt(addressOf(node), overheard)).bytes).toHaveLength(0);
      }
      expect(counted.of('ZONE_KNOCK_REPLAYED')).toBe(4);
      // A fresh one is answered as ever.
      expect(await (await ofZone()).dial(addressOf(after))).toBe(after.peerId);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a knock for another member is none here', async () => {
    const privateKey = await loadIdentity({ kind: 'ephemeral' });
    const { bytes } = await newKnock({ privateKey, key, listener: (await ofZone()).peerId }, systemClock.now());
    expect((await strangerAt(addressOf(member), bytes)).bytes).toHaveLength(0);
    expect(counted.of('ZONE_STRANGER')).toBe(1);
  });

  test('whoever takes over a member’s connection after the knock is refused: the handshake has to end with the same peer', async () => {
    // The knock of one member, the handshake of another: what a thief of a connection could do at best.
    const robbed = await loadIdentity({ kind: 'ephemeral' });
    const protect = async (connection: MessageStream): Promise<MessageStream> => {
      connection.send((await newKnock({ privateKey: robbed, key, listener: member.peerId }, systemClock.now())).bytes);
      await takeBytes(connection, ANSWER_BYTES, {});
      return connection;
    };
    const zone = { isPrivate: true, gater: {}, protector: { protect }, behind: <T>(transport: T) => transport } as unknown as TrustZone;
    const thief = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'thief/1' }, { zone });
    await thief.start();
    await thief.dial(multiaddr(addressOf(member))).catch(() => undefined);
    await counted.reaches('ZONE_OTHER_PEER', 1);
    expect(member.peers()).toEqual([]);
    await thief.stop();
  });

  test('a clock that is far off is said to be the reason', async () => {
    const clock = new ManualClock(systemClock.now() + 2 * KNOCK_WINDOW_MS);
    const late = await nodes.start({ zone: { kind: 'private', key }, clock });
    await expect(late.dial(addressOf(member))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    expect(counted.of('ZONE_CLOCK_APART')).toBe(1);
  });

  test.each(['/ip4/127.0.0.1/udp/0/quic-v1', '/ip4/127.0.0.1/udp/0/webrtc-direct', '/ip4/127.0.0.1/tcp/0/ws'])('it does not listen on %s, where strangers would be answered', async (address) => {
    await expect(nodes.create({ zone: { kind: 'private' as const, key }, listen: [address] })).rejects.toMatchObject({ code: 'ZONE_NO_SILENT_TRANSPORT', fault: 'user' });
  });

  test('members meet through a member that relays; a stranger has no use of it', async () => {
    const zone = { kind: 'private' as const, key };
    const relay = await nodes.start({ zone, relayServer: {}, metrics: counted.metrics });
    const far = await nodes.start({ zone, listen: [`${addressOf(relay)}/p2p-circuit`] });
    const near = await nodes.start({ zone, listen: [] });
    const address = `${addressOf(relay)}/p2p-circuit/p2p/${far.peerId}`;
    expect(await near.dial(address)).toBe(far.peerId);
    expect(near.peers()).toMatchObject(expect.arrayContaining([expect.objectContaining({ peer: far.peerId, route: 'relayed' })]));
    expect(counted.refusals.size).toBe(0);
    const stranger = await nodes.start({ listen: [] });
    await expect(stranger.dial(address)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    expect(counted.of('ZONE_STRANGER') + counted.of('ZONE_HANDSHAKE_FAILED')).toBe(1);
  });
});

describe('a private zone by allow-list', () => {
  let folder = '';
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'omninode-allow-')); });
  afterEach(() => rm(folder, { recursive: true }));
  const named = async (name: string): Promise<{ identity: { kind: 'file'; path: string }; peer: PeerId }> => {
    const identity = { kind: 'file' as const, path: join(folder, name) };
    return { identity, peer: asPeerId((await loadIdentity(identity)).publicKey.toString()) };
  };

  test('those on it meet; others hear nothing, though they know its name', async () => {
    const [a, b, c] = [await named('a'), await named('b'), await named('c')];
    const zone = { kind: 'private' as const, allow: [a.peer, b.peer] };
    const drops = new Counted();
    const near = await nodes.start({ identity: a.identity, zone, metrics: drops.metrics });
    const far = await nodes.start({ identity: b.identity, zone });
    expect(await far.dial(addressOf(near))).toBe(a.peer);
    const [ours] = await streamBetween({ near: far, far: near });
    await ours.send(Buffer.from('x'));
    const uninvited = await nodes.start({ identity: c.identity, zone: { kind: 'private', allow: [a.peer] } });
    await expect(uninvited.dial(addressOf(near))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    expect(drops.of('ZONE_NOT_ALLOWED')).toBe(1);
    const knock = await newKnock({ privateKey: await loadIdentity(c.identity), key: undefined, listener: a.peer }, systemClock.now());
    expect((await strangerAt(addressOf(near), knock.bytes)).bytes).toHaveLength(0);
  });

  test('a name on the list is not enough: the knock is signed', async () => {
    const [a, b] = [await named('a'), await named('b')];
    const drops = new Counted();
    const near = await nodes.start({ identity: a.identity, zone: { kind: 'private', allow: [b.peer] }, metrics: drops.metrics });
    const forged = { type: 'Ed25519' as const, publicKey: (await loadIdentity(b.identity)).publicKey, sign: (bytes: Uint8Array) => rogue.sign(bytes) };
    const rogue = await generateKeyPair('Ed25519');
    const { bytes } = await newKnock({ privateKey: forged as never, key: undefined, listener: a.peer }, systemClock.now());
    expect((await strangerAt(addressOf(near), bytes)).bytes).toHaveLength(0);
    expect(drops.of('ZONE_STRANGER')).toBe(1);
  });

  test('processes of one home meet under any id, and only they', async () => {
    const [a, b] = [await named('a'), await named('b')];
    const house = await houseKey(a.identity.path);
    const near = await nodes.start({ identity: a.identity, zone: { kind: 'private', allow: [b.peer], house } });
    const mate = await nodes.start({ zone: { kind: 'private', allow: [b.peer], house } });
    expect(await mate.dial(addressOf(near))).toBe(a.peer);
    const other = await nodes.start({ zone: { kind: 'private', allow: [b.peer], house: await houseKey(b.identity.path) } });
    await expect(other.dial(addressOf(near))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    const far = await nodes.start({ identity: b.identity, zone: { kind: 'private', allow: [a.peer], house: await houseKey(b.identity.path) } });
    expect(await far.dial(addressOf(near))).toBe(a.peer);
  });

  describe('guests', () => {
    /** A member with its home, and another one that has its name on the list. */
    async function house(setup: { key?: ZoneKey } = {}) {
      const [a, b] = [await named('a'), await named('b')];
      const zone = { kind: 'private' as const, key: setup.key, allow: [a.peer, b.peer] };
      const drops = new Counted();
      const far = await nodes.start({ identity: b.identity, zone: { ...zone, house: await houseKey(b.identity.path) }, metrics: drops.metrics });
      const home = { ...zone, house: await houseKey(a.identity.path) };
      const daemon = await nodes.start({ identity: a.identity, zone: home });
      await daemon.dial(addressOf(far));
      return { a, far, daemon, home, drops, guest: () => nodes.start({ zone: { ...home, sponsorPath: a.identity.path } }) };
    }

    test.each(['a list', 'a list and a key'])('a process of a member’s home comes in beside it under a name of its own, by %s, on both kinds of streams', async (what) => {
      const { far, daemon, guest } = await house(what === 'a list' ? {} : { key });
      const passing = await guest();
      expect(await passing.dial(addressOf(far))).toBe(far.peerId);
      expect(await passing.dial(addressOf(daemon))).toBe(daemon.peerId);
      await far.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
      expect(await echoed(await passing.openDirect(addressOf(far), ECHO_PROTOCOL, { limits: TEST_LIMITS }), 'direct')).toBe('direct');
      expect(await echoed(await passing.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS }), 'among others')).toBe('among others');
      expect(new Set(far.peers().map(({ peer }) => peer))).toEqual(new Set([daemon.peerId, passing.peerId]));
      expect(await daemon.ping(far.peerId)).toBeGreaterThan(0);
    });

    test('it may be dialled as long as it is there', async () => {
      const { far, guest } = await house();
      const passing = await guest();
      const address = addressOf(passing);
      await expect(far.dial(address)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
      await passing.dial(addressOf(far));
      await passing.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, serve);
      expect(await echoed(await far.openDirect(address, ECHO_PROTOCOL, { limits: TEST_LIMITS }), 'back')).toBe('back');
    });

    test('nobody is a guest of who is not on the list, and a signature is for one guest and one listener', async () => {
      const { a, far, drops } = await house();
      const [self, stranger] = [await loadIdentity(a.identity), await loadIdentity({ kind: 'ephemeral' })];
      const foreign = await newKnock({ privateKey: self, key: undefined, listener: far.peerId, sponsor: stranger }, systemClock.now());
      expect((await strangerAt(addressOf(far), foreign.bytes)).bytes).toHaveLength(0);
      expect(drops.of('ZONE_NOT_ALLOWED')).toBe(1);
      const good = await newKnock({ privateKey: stranger, key: undefined, listener: far.peerId, sponsor: self }, systemClock.now());
      for (let at = good.bytes.length - 1; at > 20; at -= 8) {
        const bytes = Uint8Array.from(good.bytes);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        expect((await strangerAt(addressOf(far), bytes)).bytes).toHaveLength(0);
      }
      expect((await strangerAt(addressOf(far), good.bytes, { enough: ANSWER_BYTES })).bytes.equals(good.answer)).toBe(true);
    });

    test('who brings a guest answers for it: both are banned for its faults', async () => {
      const { far, daemon, guest, drops } = await house();
      const passing = await guest();
      await passing.dial(addressOf(far));
      await far.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, maxFrameBytes: 8 }, serve);
      const gone = far.events.once('peer:disconnect', { accept: () => far.peers().length === 0 });
      for (let i = 0; i <= MAX_FAULTS; i++) {
        const stream = await passing.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS }).catch(() => undefined);
        await stream?.send(Buffer.alloc(9)).catch(() => undefined);
        await stream?.closed;
      }
      await gone;
      await expect((await guest()).dial(addressOf(far))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
      await expect(daemon.dial(addressOf(far)).then(() => daemon.ping(far.peerId))).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
      expect(drops.of('ZONE_BANNED')).toBeGreaterThan(0);
    });
  });

  test('with a key as well, both are needed', async () => {
    const [a, b] = [await named('a'), await named('b')];
    const drops = new Counted();
    const near = await nodes.start({ identity: a.identity, zone: { kind: 'private', key, allow: [b.peer] }, metrics: drops.metrics });
    await expect((await ofZone()).dial(addressOf(near))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
    expect(drops.of('ZONE_NOT_ALLOWED')).toBe(1);
    const far = await nodes.start({ identity: b.identity, zone: { kind: 'private', key } });
    expect(await far.dial(addressOf(near))).toBe(a.peer);
  });
});
