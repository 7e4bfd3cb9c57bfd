import { connect, type Socket } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, systemClock } from '../../src-main/base/index.ts';
import { newZoneKey, type Mesh } from '../../src-main/mesh/index.ts';
import { Counted } from '../../src-main/mesh/testing/counted.ts';
import { addressOf, ECHO_PROTOCOL, TEST_LIMITS, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { strangerAt } from '../../src-main/mesh/testing/stranger.ts';
import type { FrameStream } from '../../src-main/mesh/types.ts';
import { MAX_PENDING_PER_ADDRESS, SESSIONS_PER_SECOND } from '../../src-main/mesh/zone/constants.ts';
import { seeded } from '../support/models/index.ts';

const nodes = new TestNodes();
/** An address of this machine that is not loopback: whoever comes from it is counted as a stranger. */
const LAN = await lanAddress();
const sockets: Socket[] = [];
let counted: Counted;
let victim: Mesh;
let friend: Mesh;

const echo = (stream: FrameStream): void => void (async () => {
  for await (const frame of stream) await stream.send(frame);
  await stream.close();
})().catch(() => undefined);

async function lanAddress(): Promise<string | undefined> {
  const { networkInterfaces } = await import('node:os');
  return Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)?.address;
}

/** A socket that says nothing of itself; settles with what the node did to it. */
function open(address: string): { readonly socket: Socket; readonly closed: Promise<void> } {
  const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value]));
  const socket = connect({ host: parts.get('ip4'), port: Number(parts.get('tcp')) }).on('error', () => undefined);
  sockets.push(socket);
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) };
}

async function stillServes(): Promise<void> {
  const stream = await friend.open(victim.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS });
  await stream.send(Buffer.from('still there?'));
  const { value } = await stream[Symbol.asyncIterator]().next();
  expect(Buffer.from(value as Uint8Array).toString()).toBe('still there?');
  void stream.close();
  expect(await friend.ping(victim.peerId)).toBeGreaterThan(0);
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await nodes.stop();
});

describe.each(['private', 'public'] as const)('a node of a %s zone', (kind) => {
  beforeEach(async () => {
    const zone = kind === 'private' ? { kind, key: newZoneKey() } : { kind };
    counted = new Counted();
    // Its time stands still: what may come in a second does not depend on how fast this machine is.
    const clock = new ManualClock(systemClock.now());
    victim = await nodes.start({ zone, clock, metrics: counted.metrics, listen: ['/ip4/127.0.0.1/tcp/0', ...(LAN === undefined ? [] : [`/ip4/${LAN}/tcp/0`])] });
    await victim.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, direct: true }, echo);
    friend = await nodes.start({ zone });
    await friend.dial(addressOf(victim));
  });

  const lanOf = (): string | undefined => victim.addresses().find((address) => LAN !== undefined && address.includes(LAN));

  test('outlasts handshakes that take for ever, and ends each of them', async () => {
    const slow = Array.from({ length: 40 }, () => open(addressOf(victim)));
    const drip = setInterval(() => { for (const { socket } of slow) if (!socket.destroyed) socket.write(Buffer.of(0)); }, 200);
    try {
      await stillServes();
      await Promise.all(slow.map(({ closed }) => closed));
    } finally {
      clearInterval(drip);
    }
    await counted.reaches('ZONE_HANDSHAKE_FAILED', 1);
    await stillServes();
  });

  test.skipIf(LAN === undefined)('takes so many sessions of an address a second, and goes on serving others', async () => {
    const flood = Array.from({ length: 200 }, () => open(lanOf()!));
    await counted.reaches('ZONE_TOO_MANY_SESSIONS', 200 - SESSIONS_PER_SECOND);
    await stillServes();
    for (const { socket } of flood) socket.destroy();
    await Promise.all(flood.map(({ closed }) => closed));
    expect(counted.of('ZONE_TOO_MANY_SESSIONS')).toBe(200 - SESSIONS_PER_SECOND);
  });

  test('outlives garbage by the thousand bytes on its port', async () => {
    const random = seeded(7);
    const garbage = Array.from({ length: 60 }, () => Buffer.from(Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256))));
    const heard = await Promise.all(garbage.map((bytes) => strangerAt(addressOf(victim), bytes, { ends: true })));
    // A stranger who speaks libp2p by chance is possible in a public zone only; here he hears nothing anyway.
    if (kind === 'private') expect(heard.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(0);
    expect(counted.of('ZONE_STRANGER') + counted.of('ZONE_HANDSHAKE_FAILED')).toBeGreaterThan(0);
    await stillServes();
  });

  test('a peer that opens streams without end is refused some, and banned in the end', async () => {
    const zone = kind === 'private' ? undefined : { kind };
    const rogue = zone === undefined ? friend : await nodes.start({ zone });
    if (zone !== undefined) await rogue.dial(addressOf(victim));
    const gone = victim.events.once('peer:disconnect', { accept: ({ peer }) => peer === rogue.peerId });
    const flood = async (): Promise<void> => {
      for (;;) {
        const stream = await rogue.open(victim.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS });
        stream.abort(new TypeError('over'));
      }
    };
    await flood().catch(() => undefined);
    await gone;
    expect(counted.of('ZONE_TOO_MANY_STREAMS')).toBeGreaterThan(0);
    await expect(rogue.dial(addressOf(victim)).then(() => rogue.ping(victim.peerId))).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_/) });
    expect(counted.of('ZONE_BANNED')).toBeGreaterThan(0);
    if (zone !== undefined) await stillServes();
  });
});

describe.skipIf(LAN === undefined)('sessions per address', () => {
  test('no more than a few are under way at once that do not say who they are, however slowly they come', async () => {
    const clock = new ManualClock(systemClock.now());
    counted = new Counted();
    victim = await nodes.start({ zone: { kind: 'private', key: newZoneKey() }, metrics: counted.metrics, clock, listen: [`/ip4/${LAN}/tcp/0`] });
    for (let round = 0; round < 3; round++) {
      const before = counted.of('ZONE_TOO_MANY_SESSIONS') + counted.of('ZONE_TOO_MANY_PENDING');
      for (let i = 0; i < 2 * SESSIONS_PER_SECOND; i++) open(addressOf(victim));
      await Promise.race([counted.reaches('ZONE_TOO_MANY_PENDING', 1), counted.reaches('ZONE_TOO_MANY_SESSIONS', before + SESSIONS_PER_SECOND)]);
      clock.advance(1000);
    }
    expect(counted.of('ZONE_TOO_MANY_PENDING')).toBeGreaterThan(0);
    expect(MAX_PENDING_PER_ADDRESS).toBeLessThan(3 * SESSIONS_PER_SECOND);
  });

  test('members behind one address join by the dozen: whoever proves that he is one does not count', async () => {
    const zone = { kind: 'private' as const, key: newZoneKey() };
    counted = new Counted();
    victim = await nodes.start({ zone, metrics: counted.metrics, listen: [`/ip4/${LAN}/tcp/0`] });
    for (let i = 0; i < 3 * SESSIONS_PER_SECOND; i++) expect(await (await nodes.start({ zone, listen: [] })).dial(addressOf(victim))).toBe(victim.peerId);
    expect(counted.refusals.size).toBe(0);
  });
});
