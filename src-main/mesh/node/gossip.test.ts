import { afterEach, expect, test } from 'vitest';
import { multiaddr } from '@multiformats/multiaddr';
import { noMetrics, type Metrics } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { TOPIC_MAX_BYTES } from '../options.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import { createMeshLibp2p } from './create-libp2p.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const TOPIC = 'omni/test/v1';
const inTime = (): AbortSignal => AbortSignal.timeout(20_000);

test('a message reaches a subscriber, signed by its sender', async () => {
  const { near, far } = await nodes.pair();
  expect(await near.waitForSubscriber(TOPIC, inTime())).toBe(far.peerId);
  expect(near.subscribers(TOPIC)).toEqual([far.peerId]);
  const heard = far.events.once('topic:message');
  expect(await near.publish(TOPIC, Buffer.from('hello'))).toEqual({ recipients: 1 });
  const message = await heard;
  expect({ ...message, data: Buffer.from(message.data).toString() }).toEqual({ topic: TOPIC, from: near.peerId, data: 'hello' });
});

test('nobody subscribed is no error, and waiting ends with the signal', async () => {
  const alone = await nodes.start();
  expect(await alone.publish(TOPIC, Buffer.from('hello'))).toEqual({ recipients: 0 });
  const reason = new RangeError('enough');
  await expect(alone.waitForSubscriber(TOPIC, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('our own message over the topic’s limit is refused', async () => {
  const alone = await nodes.start();
  const publishing = alone.publish('omni/capability/v1', new Uint8Array(TOPIC_MAX_BYTES['omni/capability/v1'] + 1));
  await expect(publishing).rejects.toMatchObject({ code: 'MESH_MESSAGE_TOO_LARGE', meta: { limitBytes: 16384 } });
});

test('our own bytes that are no text are refused on the test topic', async () => {
  const alone = await nodes.start();
  await expect(alone.publish(TOPIC, Buffer.of(0xff))).rejects.toMatchObject({ code: 'MESH_MESSAGE_INVALID', next: expect.any(String) });
});

test('a peer’s message over the limit is not delivered, the next one is', async () => {
  const refusals: string[] = [];
  const metrics: Metrics = { ...noMetrics, counter: (spec) => ({ inc: (labels) => void (spec.name === 'omninode_mesh_refusals_total' && refusals.push(labels?.['reason'] ?? '')) }) };
  const listener = await nodes.start({ metrics });
  const rogue = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'rogue/1' });
  await rogue.start();
  try {
    const subscribed = Promise.withResolvers<void>();
    rogue.services.pubsub.addEventListener('subscription-change', () => subscribed.resolve());
    await rogue.dial(multiaddr(addressOf(listener)));
    await subscribed.promise;
    const sizes: number[] = [];
    listener.events.on('topic:message', ({ data }) => sizes.push(data.byteLength));
    const heard = listener.events.once('topic:message', { signal: inTime() });
    await rogue.services.pubsub.publish(TOPIC, new Uint8Array(TOPIC_MAX_BYTES[TOPIC] + 1));
    await rogue.services.pubsub.publish(TOPIC, new Uint8Array(TOPIC_MAX_BYTES[TOPIC]));
    await heard;
    expect(sizes).toEqual([TOPIC_MAX_BYTES[TOPIC]]);
    expect(refusals).toEqual(['MESH_MESSAGE_TOO_LARGE']);
  } finally {
    await rogue.stop();
  }
});
