import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, type PeerId } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { createMeshLibp2p, type MeshLibp2p } from '../node/create-libp2p.ts';
import { addressOf, streamBetween, TestNodes } from '../testing/nodes.ts';
import type { Mesh } from '../types.ts';
import { decodeIntroduction, encodeIntroduction } from './identify/schema.ts';
import { readIntroduction } from './identify/client.ts';
import { ping } from './ping/client.ts';
import { PING_PROTOCOL } from './ping/constants.ts';

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
