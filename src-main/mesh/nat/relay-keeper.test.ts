import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { addressOf, TestNodes } from '../testing/nodes.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

test('a place is kept at each relay that was named, and the node is reached there', async () => {
  const relays = [await nodes.start({ relayServer: {} }), await nodes.start({ relayServer: {} })];
  const far = await nodes.create({ listen: [], nat: { relays: relays.map(addressOf) } });
  const reserved = relays.map(({ peerId }) => far.events.once('relay:reserved', { accept: ({ relay }) => relay === peerId }));
  await far.start();
  try {
    await Promise.all(reserved);
    for (const relay of relays) {
      const address = `${addressOf(relay)}/p2p-circuit/p2p/${far.peerId}`;
      expect(far.addresses()).toContain(address);
      expect(await (await nodes.start({ listen: [] })).dial(address)).toBe(far.peerId);
    }
  } finally {
    await far.stop();
  }
});

test('a relay that went is told of, and its address with it', async () => {
  const relay = await nodes.start({ relayServer: {} });
  const far = await nodes.create({ listen: [], nat: { relays: [addressOf(relay)] } });
  const reserved = far.events.once('relay:reserved');
  await far.start();
  try {
    await reserved;
    const lost = far.events.once('relay:lost');
    await relay.stop();
    expect(await lost).toEqual({ relay: relay.peerId });
    expect(far.addresses().filter((address) => address.includes('p2p-circuit'))).toEqual([]);
  } finally {
    await far.stop();
  }
});

test('a relay that starts again, as the same node, gives a place again', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-relay-'));
  const identity = { kind: 'file' as const, path: join(home, 'identity.key') };
  const first = await nodes.start({ relayServer: {}, identity });
  const address = addressOf(first);
  const far = await nodes.create({ listen: [], nat: { relays: [address] } });
  const reserved = far.events.once('relay:reserved');
  await far.start();
  try {
    await reserved;
    const [lost, again] = [far.events.once('relay:lost'), far.events.once('relay:reserved')];
    await first.stop();
    await lost;
    await nodes.start({ relayServer: {}, identity, listen: [address.replace(/\/p2p\/.*/, '')] });
    expect(await again).toEqual({ relay: first.peerId });
    expect(far.addresses()).toContain(`${address}/p2p-circuit/p2p/${far.peerId}`);
  } finally {
    await far.stop();
    await rm(home, { recursive: true });
  }
});
