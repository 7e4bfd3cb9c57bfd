import { afterEach, expect, test } from 'vitest';
import { multiaddr } from '@multiformats/multiaddr';
import { Events, noMetrics, systemClock, type Metrics } from '../../base/index.ts';
import { loadIdentity } from '../identity/identity.ts';
import { TOPIC_MAX_BYTES } from '../options.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';
import { meshMetrics } from '../metrics.ts';
import type { MeshEvents } from '../types.ts';
import { Conduct } from '../zone/conduct.ts';
import { IdleSessions } from '../zone/idle-sessions.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { Gossip } from './gossip.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());
const TOPIC = 'omni/test/v1';
const inTime = (): AbortSignal => AbortSignal.timeout(20_000);

const gossipOf = (libp2p: MeshLibp2p): Gossip => new Gossip({
  libp2p, events: new Events<MeshEvents>(), metrics: meshMetrics(noMetrics), clock: systemClock,
  watch: { conduct: new Conduct(systemClock, () => undefined), sessions: new IdleSessions(systemClock) },
});

async function bareNode(agent: string): Promise<MeshLibp2p> {
  const libp2p = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent });
  await libp2p.start();
  return libp2p;
}

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

test('a subscriber counts only once our own stream to it is open: a text would not reach it before', async () => {
  const [far, near] = [await nodes.start(), await bareNode('near/1')];
  try {
    const { promise: open, resolve: letOpen } = Promise.withResolvers<void>();
    // The node's one way to gossip: gossipsub's stream to a peer, held back while the peer's own brings its subscriptions.
    const slow = near.services.pubsub as unknown as { createOutboundStream: (...args: unknown[]) => Promise<void> };
    const create = slow.createOutboundStream.bind(slow);
    slow.createOutboundStream = (...args) => open.then(() => create(...args));
    const subscribed = Promise.withResolvers<void>();
    near.services.pubsub.addEventListener('subscription-change', () => subscribed.resolve());
    const gossip = gossipOf(near);
    await near.dial(multiaddr(addressOf(far)));
    await subscribed.promise;
    expect(gossip.subscribers(TOPIC)).toEqual([]);
    const reachable = gossip.waitForSubscriber(TOPIC, inTime());
    letOpen();
    expect(await reachable).toBe(far.peerId);
    expect(await gossip.publish(TOPIC, Buffer.from('hello'))).toEqual({ recipients: 1 });
  } finally {
    await near.stop();
  }
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
  const rogue = await bareNode('rogue/1');
  try {
    await rogue.dial(multiaddr(addressOf(listener)));
    await gossipOf(rogue).waitForSubscriber(TOPIC, inTime());
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
