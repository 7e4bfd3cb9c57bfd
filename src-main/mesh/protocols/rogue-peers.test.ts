import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, type PeerId } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createMeshLibp2p, type MeshLibp2p } from '../node/create-libp2p.ts';
import { addressOf, ECHO_PROTOCOL, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import type { FrameStream, Mesh } from '../types.ts';
import { decodeIntroduction, encodeIntroduction } from './identify/schema.ts';
import { readIntroduction } from './identify/client.ts';
import { ping } from './ping/client.ts';
import { PING_PROTOCOL, PING_RATE } from './ping/constants.ts';

const nodes = new TestNodes();
let rogue: MeshLibp2p;
let victim: Mesh;

beforeEach(async () => {
  rogue = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  victim = await nodes.start();
  await rogue.start();
});
afterEach(async () => {
  await rogue.stop();
  await nodes.stop();
});

async function meet(): Promise<PeerId> {
  const met = victim.events.once('peer:connect');
  await rogue.dial(multiaddr(addressOf(victim)));
  return (await met).peer;
}

test('a ping answered with other bytes is an invalid answer', async () => {
  await rogue.handle(PING_PROTOCOL, (stream) => void stream.send(Buffer.concat([Buffer.from([32, 0, 0, 0]), Buffer.alloc(32)])), { maxInboundStreams: 8 });
  await expect(victim.ping(await meet())).rejects.toMatchObject({ code: 'MESH_RESPONSE_INVALID', fault: 'peer' });
});

test('a ping answered with too much is the peer’s fault', async () => {
  await rogue.handle(PING_PROTOCOL, (stream) => void stream.send(Buffer.from([33, 0, 0, 0])), { maxInboundStreams: 8 });
  await expect(victim.ping(await meet())).rejects.toMatchObject({ code: 'MESH_FRAME_TOO_LONG', fault: 'peer' });
});

async function heardOnEcho(bytes: Uint8Array, end: (stream: Stream) => void = () => undefined): Promise<FrameStream> {
  const accepted = Promise.withResolvers<FrameStream>();
  await victim.handle(ECHO_PROTOCOL, { ...TEST_LIMITS, maxFrameBytes: 1024 }, accepted.resolve);
  const connection = await rogue.dial(multiaddr(addressOf(victim)));
  const stream = await connection.newStream(ECHO_PROTOCOL);
  stream.send(bytes);
  end(stream);
  return accepted.promise;
}

const BROKEN: readonly { readonly what: string; readonly bytes: Uint8Array; readonly ends?: boolean; readonly code: string }[] = [
  { what: 'garbage', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n'), code: 'MESH_FRAME_TOO_LONG' },
  { what: 'the largest length there is', bytes: Buffer.alloc(4, 0xff), code: 'MESH_FRAME_TOO_LONG' },
  { what: 'half a frame and an end', bytes: Buffer.of(9, 0, 0, 0, 1, 2), ends: true, code: 'MESH_FRAME_TRUNCATED' },
  { what: 'half a prefix and an end', bytes: Buffer.of(9, 0), ends: true, code: 'MESH_FRAME_TRUNCATED' },
];

test.each(BROKEN)('$what on our protocol ends that stream as the peer’s fault, and no other', async ({ bytes, ends, code }) => {
  const stream = await heardOnEcho(bytes, (raw) => void (ends === true && raw.close()));
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code, fault: 'peer' });
  expect(await stream.closed).toMatchObject({ code });
  expect(victim.peers()).toHaveLength(1);
  await expect(rogue.services.identify.identify(rogue.getConnections()[0]!)).resolves.toBeDefined();
});

test('a flood of pings ends its stream, and the peer stays connected', async () => {
  const connection = await rogue.dial(multiaddr(addressOf(victim)));
  const stream = await connection.newStream(PING_PROTOCOL);
  const closed = Promise.withResolvers<string>();
  let echoed = 0;
  stream.addEventListener('message', ({ data }) => (echoed += data.byteLength));
  stream.addEventListener('close', (event) => closed.resolve(event.error?.name ?? 'cleanly'));
  const one = Buffer.concat([Buffer.of(32, 0, 0, 0), Buffer.alloc(32)]);
  // In steps the queue can hold: it is the rate that must stop this, not the queue.
  const pingOnce = (): void => void (stream.status === 'open' && stream.send(one));
  stream.addEventListener('message', pingOnce);
  pingOnce();
  expect(await closed.promise).toBe('StreamResetError');
  expect(echoed).toBeGreaterThanOrEqual(PING_RATE.burst * one.length);
  expect(victim.peers()).toHaveLength(1);
});

test('a peer without our protocols is connected, but has no agent', async () => {
  const peer = await meet();
  await expect(victim.ping(peer)).rejects.toMatchObject({ code: 'MESH_PROTOCOL_UNSUPPORTED' });
  expect(victim.peers()).toMatchObject([{ peer, agent: undefined, protocols: [] }]);
});

test('an answer that never comes ends with the caller’s signal', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  const [caller, reason] = [new AbortController(), new RangeError('enough')];
  const asking = ping(near, { clock: systemClock, signal: caller.signal });
  await far[Symbol.asyncIterator]().next();
  caller.abort(reason);
  await expect(asking).rejects.toBe(reason);
  expect(await far.closed).toMatchObject({ code: 'MESH_STREAM_CLOSED_BY_PEER' });
});

test('an introduction that ends before it begins is invalid', async () => {
  const [near, far] = await streamBetween(await nodes.pair());
  void far.close();
  await expect(readIntroduction(near, new AbortController().signal)).rejects.toMatchObject({ code: 'MESH_RESPONSE_INVALID' });
});

const good = { agent: 'omninode/0.1.0', version: '0.1.0', protocols: ['/omni/stage/1.0.0'] };
test('an introduction is read back; unknown fields are dropped', () => {
  expect(decodeIntroduction(encodeIntroduction({ ...good, ...{ later: 1 } }))).toEqual(good);
});

test.each([
  ['not JSON', '{'], ['not an object', '[]'], ['without a version', JSON.stringify({ ...good, version: undefined })],
  ['with terminal escapes', JSON.stringify({ ...good, agent: '\u001b[2J' })], ['with a long agent', JSON.stringify({ ...good, agent: 'a'.repeat(101) })],
  ['with too many protocols', JSON.stringify({ ...good, protocols: Array(65).fill('/a') })], ['with a bad protocol', JSON.stringify({ ...good, protocols: ['a'] })],
])('an introduction %s is none', (_what, text) => {
  expect(decodeIntroduction(Buffer.from(text))).toBeUndefined();
});
