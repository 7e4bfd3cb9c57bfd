import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadIdentity } from '../identity/identity.ts';
import { publishRpc, type PubsubMessage } from '../testing/pubsub-message.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import type { Mesh } from '../types.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';

const TOPIC = 'omni/test/v1';
const nodes = new TestNodes();
const rogueKey = await loadIdentity({ kind: 'ephemeral' });
const otherKey = await loadIdentity({ kind: 'ephemeral' });
let rogue: MeshLibp2p;
let victim: Mesh;
let gossip: Stream;
let heard: string[];

beforeEach(async () => {
  rogue = await createMeshLibp2p(rogueKey, { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  victim = await nodes.start();
  await rogue.start();
  const connection = await rogue.dial(multiaddr(addressOf(victim)));
  gossip = await connection.newStream('/meshsub/1.2.0');
  heard = [];
  victim.events.on('topic:message', ({ data }) => heard.push(Buffer.from(data).toString()));
});
afterEach(async () => {
  await rogue.stop();
  await nodes.stop();
});

const message = (text: string, changes: Partial<PubsubMessage> = {}): Promise<Uint8Array> =>
  publishRpc({ author: rogueKey.publicKey, signer: rogueKey, topic: TOPIC, data: Buffer.from(text), ...changes });

/** What the victim hears of `bad`, sent between two honest messages of the same make. */
async function heardOf(bad: Uint8Array): Promise<string[]> {
  const last = victim.events.once('topic:message', { accept: ({ data }) => Buffer.from(data).toString() === 'last', signal: AbortSignal.timeout(20_000) });
  for (const rpc of [await message('first'), bad, await message('last')]) gossip.send(rpc);
  expect((await last).from).toBe(rogue.peerId.toString());
  // A round trip after it: whatever the bad one would have caused has happened.
  await rogue.services.identify.identify(rogue.getConnections()[0]!);
  return heard;
}

test('a message made by hand and signed is heard, so the next tests mean something', async () => {
  expect(await heardOf(await message('honest'))).toEqual(['first', 'honest', 'last']);
});

test.each<[string, Partial<PubsubMessage>]>([
  ['tampered with after signing', { tamperedData: Buffer.from('changed') }],
  ['in the name of another', { author: otherKey.publicKey }],
  ['signed by another', { signer: otherKey }],
])('a message %s is not heard', async (_what, changes) => {
  expect(await heardOf(await message('bad', changes))).toEqual(['first', 'last']);
});

test('an unsigned message is not heard', async () => {
  const bad = await publishRpc({ author: rogueKey.publicKey, topic: TOPIC, data: Buffer.from('bad') });
  expect(await heardOf(bad)).toEqual(['first', 'last']);
});

test('a message on a topic of somebody’s own is not heard', async () => {
  expect(await heardOf(await message('bad', { topic: 'omni/none/v1' }))).toEqual(['first', 'last']);
});

test('bytes that are no text are not heard on the test topic', async () => {
  expect(await heardOf(await message('', { data: Buffer.of(0xff, 0xfe) }))).toEqual(['first', 'last']);
});

test('another’s message, whole and signed, is heard as his when passed on', async () => {
  const passedOn = await message('from afar', { author: otherKey.publicKey, signer: otherKey });
  const from = victim.events.once('topic:message', { accept: ({ data }) => Buffer.from(data).toString() === 'from afar' });
  expect(await heardOf(passedOn)).toEqual(['first', 'from afar', 'last']);
  expect((await from).from).toBe(otherKey.publicKey.toString());
});

test.each(['before', 'after'])('what bears the signature of another message and comes %s it is not heard, and does not keep it out', async (when) => {
  const seqno = Buffer.from('12345678');
  const right = await message('right', { seqno });
  const forged = await message('right', { seqno, tamperedData: Buffer.from('changed') });
  expect(await heardOf(Buffer.concat(when === 'before' ? [forged, right] : [right, forged]))).toEqual(['first', 'right', 'last']);
});
