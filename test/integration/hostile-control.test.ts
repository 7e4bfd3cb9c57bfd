import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noMetrics, silentLogger, systemClock } from '../../src-main/base/index.ts';
import { Presence } from '../../src-main/mesh/capability/presence.ts';
import { Discovery } from '../../src-main/mesh/discovery/discovery.ts';
import { newZoneKey, type Mesh } from '../../src-main/mesh/index.ts';
import { ALIVE_PROTOCOL } from '../../src-main/mesh/protocols/alive/constants.ts';
import { encodeSign } from '../../src-main/mesh/protocols/alive/schema.ts';
import { DIAL_BACK_PROTOCOL, DIAL_REQUEST_PROTOCOL } from '../../src-main/mesh/protocols/autonat/constants.ts';
import { encodeDialBack, encodeRequest } from '../../src-main/mesh/protocols/autonat/schema.ts';
import { askCapability } from '../../src-main/mesh/protocols/capability/client.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL } from '../../src-main/mesh/protocols/capability/constants.ts';
import { encodeQuestion } from '../../src-main/mesh/protocols/capability/schema.ts';
import { askForPeers } from '../../src-main/mesh/protocols/peers/client.ts';
import { PEERS_LIMITS, PEERS_PROTOCOL } from '../../src-main/mesh/protocols/peers/constants.ts';
import { encodePeers } from '../../src-main/mesh/protocols/peers/schema.ts';
import { movable } from '../../src-main/mesh/streams/move/constants.ts';
import { ACCEPT, DATA_MARK, joinFrame, newMoveId, openFrame, SWITCH } from '../../src-main/mesh/streams/move/frames.ts';
import { profileOf } from '../../src-main/mesh/testing/capability.ts';
import { Counted } from '../../src-main/mesh/testing/counted.ts';
import { addressOf, ECHO_PROTOCOL, libp2pOf, TEST_LIMITS, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import { strangerAt } from '../../src-main/mesh/testing/stranger.ts';
import type { FrameStream, ProtocolLimits } from '../../src-main/mesh/types.ts';
import { MAX_FAULTS } from '../../src-main/mesh/zone/constants.ts';
import { casesOf } from '../fuzz/cases.ts';
import { mutate } from '../fuzz/mutate.ts';
import { seeded } from '../support/models/index.ts';

/** Streams that each protocol gets; every peer that misbehaves is given up on after MAX_FAULTS, so that there is a new one for so many. */
const STREAMS = Math.ceil(casesOf(1_000) / 100);
const MOVES: ProtocolLimits = { ...TEST_LIMITS, maxQueuedFrames: 8, moves: true };
const BINDING = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');
const within = (): AbortSignal => AbortSignal.timeout(20_000);

const nodes = new TestNodes();
const stops: (() => Promise<unknown>)[] = [];
let folder = '';
let counted: Counted;
let victim: Mesh;
let friend: Mesh;
let stunPort = 0;

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await nodes.stop();
  await rm(folder, { recursive: true });
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => { socket.close(resolve); });
  return port;
}

const echo = (stream: FrameStream): void => void (async () => {
  for await (const frame of stream) await stream.send(frame);
  await stream.close();
})().catch(() => undefined);

const SAMPLES: Readonly<Record<string, readonly Uint8Array[]>> = {
  [DIAL_REQUEST_PROTOCOL]: ['/ip4/8.8.8.8/tcp/4001', '/ip4/127.0.0.1/tcp/1'].map((address) => encodeRequest({ address: multiaddr(address), nonce: 7n })),
  [DIAL_BACK_PROTOCOL]: [encodeDialBack(7n)],
  [CAPABILITY_PROTOCOL]: [encodeQuestion({ version: 1, after: '' }), encodeQuestion({ version: 1, peers: ['12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq'] })],
  [ALIVE_PROTOCOL]: [encodeSign(2_000), encodeSign(1), new Uint8Array(3)],
  [PEERS_PROTOCOL]: [encodePeers({ version: 1, addresses: ['/ip4/10.0.0.1/tcp/1'] })],
  [movable(ECHO_PROTOCOL)]: [openFrame(newMoveId()), joinFrame(newMoveId()), ACCEPT, SWITCH, Buffer.concat([Buffer.alloc(20, 1), DATA_MARK])],
};
/** HopMessage of circuit relay v2: RESERVE, CONNECT to nobody. */
const OTHERS = [Buffer.from('0800', 'hex'), Buffer.from('080112020a00', 'hex'), Buffer.alloc(32, 7), Buffer.alloc(200, 1)];

function prefixed(body: Uint8Array, { isVarint, sizeBytes = body.byteLength }: { readonly isVarint: boolean; readonly sizeBytes?: number }): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(sizeBytes);
  return Buffer.concat([isVarint ? Buffer.of((sizeBytes & 0x7f) | 0x80, (sizeBytes >>> 7) & 0x7f) : head, body]);
}

/** A message of the protocol, damaged or not, once or twice, behind a length that is right or not. */
function hostileBytes(protocol: string, random: () => number): Buffer {
  const samples = SAMPLES[protocol] ?? OTHERS;
  const sample = Buffer.from(samples[Math.floor(random() * samples.length)] ?? []);
  const body = random() < 0.8 ? mutate(sample, random) : sample;
  const isVarint = /autonat|relay|meshsub|kad|\/id\//.test(protocol);
  const kind = random();
  return Buffer.concat([prefixed(body, { isVarint, ...(kind < 0.1 ? { sizeBytes: Math.floor(random() * 2 ** 31) } : kind < 0.2 ? { sizeBytes: body.length + 3 } : {}) }), ...(kind > 0.8 ? [prefixed(body, { isVarint })] : [])]);
}

function say(stream: Stream, bytes: Uint8Array): void {
  try {
    stream.send(bytes);
    stream.close().catch(() => undefined);
  } catch { /* It was reset before all was said. */ }
}

/** What each protocol is for, by a peer that means well. */
async function stillServes(): Promise<void> {
  const peer = victim.peerId;
  expect(await friend.ping(peer)).toBeGreaterThan(0);
  expect(await friend.bandwidth(peer)).toBeGreaterThan(0);
  expect((await askCapability(await friend.open(peer, CAPABILITY_PROTOCOL, { limits: CAPABILITY_LIMITS }), { version: 1, peers: [peer] }, within())).length).toBeGreaterThan(0);
  expect((await askForPeers(await friend.open(peer, PEERS_PROTOCOL, { limits: PEERS_LIMITS }), { version: 1, addresses: [] }, within())).version).toBe(1);
  const stream = await friend.open(peer, ECHO_PROTOCOL, { limits: MOVES });
  await stream.send(Buffer.from('still there?'));
  expect(Buffer.from((await stream[Symbol.asyncIterator]().next()).value as Uint8Array).toString()).toBe('still there?');
  void stream.close();
}

describe.each(['private', 'public'] as const)('a node of a %s zone that relays, tells who is there and whom it knows', (kind) => {
  const zone = kind === 'private' ? { kind, key: newZoneKey() } : { kind };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'omninode-hostile-'));
    counted = new Counted();
    stunPort = await freeUdpPort();
    victim = await nodes.start({ zone, metrics: counted.metrics, relayServer: {}, dht: true, nat: { stunServer: { address: '127.0.0.1', port: stunPort } } });
    await victim.handle(ECHO_PROTOCOL, MOVES, echo);
    const presence = new Presence({ mesh: victim, profile: () => profileOf('victim'), logger: silentLogger, metrics: noMetrics, clock: systemClock });
    const discovery = new Discovery({ home: folder, members: [] }, { mesh: victim, logger: silentLogger, clock: systemClock });
    await presence.start();
    await discovery.start();
    stops.push(() => presence.stop(), () => discovery.stop());
    friend = await nodes.start({ zone });
    const met = friend.events.once('peer:identify');
    await friend.dial(addressOf(victim));
    await met;
  });

  test('keeps serving its peers while each of its protocols gets damaged messages, and counts what it drops', async () => {
    const protocols = friend.peers().find(({ peer }) => peer === victim.peerId)?.protocols ?? [];
    expect(protocols).toEqual(expect.arrayContaining(Object.keys(SAMPLES)));
    expect(protocols.some((protocol) => protocol.includes('/hop'))).toBe(true);
    const random = seeded(kind === 'private' ? 71 : 72);
    let said = 0;
    for (const protocol of protocols) {
      for (let done = 0; done < STREAMS;) {
        const rogue = await nodes.start({ zone, listen: [] });
        await rogue.dial(addressOf(victim));
        for (let i = 0; i < MAX_FAULTS / 2 && done < STREAMS; i++, done++) {
          const stream = await libp2pOf(rogue).getConnections()[0]?.newStream(protocol, { maxOutboundStreams: 64 }).catch(() => undefined);
          if (stream === undefined) continue;
          say(stream, hostileBytes(protocol, random));
          said++;
        }
        // What the bytes would have caused has happened when a round trip after them is over; a rogue that was banned meanwhile has none.
        await rogue.ping(victim.peerId).catch(() => undefined);
        await rogue.stop();
      }
    }
    expect(said).toBeGreaterThan((protocols.length * STREAMS) / 2);
    await stillServes();
    expect([...counted.refusals.keys()]).toEqual(expect.arrayContaining(['MESH_RESPONSE_INVALID', 'MESH_FRAME_TOO_LONG', 'MESH_MOVE_INVALID']));
  });

  test('answers STUN after any number of damaged datagrams, each of which is counted', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    stops.push(() => new Promise<void>((resolve) => { socket.close(() => resolve()); }));
    const random = seeded(73);
    const answers: Buffer[] = [];
    socket.on('message', (bytes) => void answers.push(bytes));
    const send = (bytes: Buffer): Promise<void> => new Promise((resolve) => { socket.send(bytes, stunPort, '127.0.0.1', () => resolve()); });
    // Damaged so that none is a request by chance: answers are for the last one.
    const damaged = Array.from({ length: STREAMS * 10 }, () => mutate(BINDING, random)).filter((bytes) => bytes.length !== BINDING.length || bytes.readUInt32BE(4) !== 0x2112_a442);
    for (const bytes of damaged) await send(bytes);
    const told = once(socket, 'message');
    await send(BINDING);
    await told;
    expect(answers).toHaveLength(1);
    expect(answers[0]?.subarray(8, 20)).toEqual(BINDING.subarray(8));
    expect(counted.of('STUN_BAD_REQUEST')).toBeGreaterThan(damaged.length / 2);
    await stillServes();
  });

  if (kind === 'public') return;

  // Only Linux has the whole of 127.0.0.0/8.
  test.skipIf(process.platform !== 'linux')('tells a stranger nothing, on no port: neither what it speaks nor what his address looks like', async () => {
    const protocols = friend.peers().find(({ peer }) => peer === victim.peerId)?.protocols ?? [];
    const named = (text: string): Buffer => Buffer.concat([Buffer.of(text.length + 1), Buffer.from(`${text}\n`)]);
    const random = seeded(74);
    for (const protocol of ['/tls/1.0.0', '/noise', ...protocols]) {
      const bytes = Buffer.concat([named('/multistream/1.0.0'), named(protocol), hostileBytes(protocol, random), Buffer.alloc(200)]);
      expect((await strangerAt(addressOf(victim), bytes)).bytes).toHaveLength(0);
    }
    expect(counted.of('ZONE_STRANGER')).toBe(protocols.length + 2);
    const asker = async (address: string): Promise<Socket> => {
      const socket = createSocket('udp4').bind(0, address);
      await once(socket, 'listening');
      stops.push(() => new Promise<void>((resolve) => { socket.close(() => resolve()); }));
      return socket;
    };
    const [stranger, member] = [await asker('127.0.0.2'), await asker('127.0.0.1')];
    let heard = 0;
    stranger.on('message', () => { heard++; });
    stranger.send(BINDING, stunPort, '127.0.0.1');
    await counted.reaches('STUN_STRANGER', 1);
    const told = once(member, 'message');
    member.send(BINDING, stunPort, '127.0.0.1');
    await told;
    expect(heard).toBe(0);
    await stillServes();
  });
});
