import type { GossipSub } from '@libp2p/gossipsub';
import type { Startable } from '@libp2p/interface';
import { afterEach, expect, it } from 'vitest';
import { loadIdentity } from '../identity/identity.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { GossipMender } from './gossip-mender.ts';

const TOPIC = 'omni/test/v1';
const running: MeshLibp2p[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

async function start(listen: readonly string[]): Promise<MeshLibp2p> {
  const node = await createMeshLibp2p(await loadIdentity({ kind: 'ephemeral' }), { listen, identity: { kind: 'ephemeral' }, mdns: false, agent: 'test/1' });
  running.push(node);
  await node.start();
  return node;
}

it('gossip begins on a connection where it did not when the peers met', { timeout: 120_000 }, async () => {
  const [near, far] = [await start([]), await start(['/ip4/127.0.0.1/tcp/0'])];
  const gossip = far.services.pubsub as GossipSub & Startable;
  await gossip.stop();
  const asked = Promise.all([near, far].map((node) => new Promise((resolve) => node.addEventListener('peer:identify', resolve, { once: true }))));
  await near.dial(far.getMultiaddrs());
  await asked;
  // From now on the peer speaks gossip, and nobody says so.
  await gossip.start();
  gossip.subscribe(TOPIC);
  near.services.pubsub.subscribe(TOPIC);
  const subscribed = new Promise((resolve) => near.services.pubsub.addEventListener('subscription-change', resolve, { once: true }));
  const mender = new GossipMender(near);
  mender.start();
  try {
    await subscribed;
    expect(near.services.pubsub.getSubscribers(TOPIC).map(String)).toEqual([far.peerId.toString()]);
  } finally {
    mender.stop();
  }
});
