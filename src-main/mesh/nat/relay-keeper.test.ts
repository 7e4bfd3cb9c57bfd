import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../../base/index.ts';
import { addressOf, LOOPBACK, TestNodes } from '../testing/nodes.ts';

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

/** Resolves when somebody came to the port, and was sent away. */
async function tryInVain(port: number): Promise<void> {
  const server = createServer((socket) => void socket.destroy()).listen(port, '127.0.0.1');
  await once(server, 'connection');
  server.close();
  await once(server, 'close');
}

test('a relay in `listen` that is down lets the node start, is said once, and gives a place when it comes', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-relay-'));
  const identity = { kind: 'file' as const, path: join(home, 'identity.key') };
  const gone = await nodes.start({ relayServer: {}, identity });
  const address = addressOf(gone);
  await gone.stop();
  const said: string[] = [];
  const far = await nodes.create({ listen: [LOOPBACK, `${address}/p2p-circuit`], logger: createLogger('warn', { write: (line: string) => void said.push(line) }) });
  try {
    await far.start();
    expect(far.addresses()).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+$/)]);
    expect(far.relays()).toMatchObject([{ relay: address, isHeld: false, error: { code: 'MESH_DIAL_FAILED', next: expect.stringContaining('runs and listens') } }]);
    const reserved = far.events.once('relay:reserved');
    await tryInVain(Number(/\/tcp\/(\d+)/.exec(address)?.[1]));
    await nodes.start({ relayServer: {}, identity, listen: [address.replace(/\/p2p\/.*/, '')] });
    expect(await reserved).toEqual({ relay: gone.peerId });
    expect(far.addresses()).toContain(`${address}/p2p-circuit/p2p/${far.peerId}`);
    expect(far.relays()).toEqual([{ relay: address, isHeld: true }]);
    expect(said.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ relay: address, code: 'MESH_DIAL_FAILED', next: expect.any(String), msg: expect.stringContaining('tried again') })]);
    expect(await (await nodes.start({ listen: [] })).dial(`${address}/p2p-circuit/p2p/${far.peerId}`)).toBe(far.peerId);
  } finally {
    await far.stop();
    await rm(home, { recursive: true });
  }
});

test('a relay in `listen` that is none is told from one that is down, and a port that is taken still fails the start', async () => {
  const plain = await nodes.start();
  const near = await nodes.start({ listen: [`${addressOf(plain)}/p2p-circuit`] });
  expect(near.addresses()).toEqual([]);
  expect(near.relays()).toMatchObject([{ isHeld: false, error: { code: 'MESH_RELAY_REFUSED', meta: { reason: 'it is none' } } }]);
  const taken = addressOf(plain).replace(/\/p2p\/.*/, '');
  await expect(nodes.start({ listen: [LOOPBACK, taken, `${addressOf(plain)}/p2p-circuit`] })).rejects.toMatchObject({ code: 'MESH_PORT_IN_USE', meta: { addresses: [taken] } });
});
