import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ECHO_PROTOCOL, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import { PeerProcesses, type PeerProcess, type ProcessSetup } from '../../../test/support/peer-processes.ts';

const nodes = new TestNodes();
const processes = new PeerProcesses();
const start = (setup?: ProcessSetup): PeerProcess => processes.start(setup);
afterEach(async () => {
  processes.kill();
  await nodes.stop();
});

const addressOf = async (child: PeerProcess): Promise<string> => String(((await child.said('ready'))['addresses'] as string[])[0]);

test('two processes ping, stream and gossip; the stopped one ends by itself', async () => {
  const child = start();
  const near = await nodes.start();
  const peer = await near.dial(await addressOf(child));
  expect(await near.ping(peer)).toBeGreaterThan(0);
  const stream = await near.open(peer, ECHO_PROTOCOL, { limits: TEST_LIMITS });
  const frame = randomBytes(300_000);
  await stream.send(frame.subarray(0, 10), frame.subarray(10));
  const { value } = await stream[Symbol.asyncIterator]().next();
  expect(frame.equals(value as Uint8Array)).toBe(true);
  await near.waitForSubscriber('omni/test/v1', AbortSignal.timeout(20_000));
  await near.publish('omni/test/v1', Buffer.from('across'));
  expect(await child.said('message')).toMatchObject({ from: near.peerId, text: 'across' });
  const gone = near.events.once('peer:disconnect');
  // The stream is open: a stop that waits for its peer, or leaves a socket, would never exit.
  expect(await child.stop()).toEqual({ code: 0, errors: '' });
  expect(await gone).toEqual({ peer });
  expect(await stream.closed).toBeDefined();
});

test('a killed process is noticed on its open stream', async () => {
  const child = start();
  const near = await nodes.start();
  const peer = await near.dial(await addressOf(child));
  const stream = await near.open(peer, ECHO_PROTOCOL, { limits: TEST_LIMITS });
  await stream.send(Buffer.from('x'));
  const reading = stream[Symbol.asyncIterator]();
  await reading.next();
  child.kill();
  await expect(reading.next()).rejects.toMatchObject({ code: expect.stringMatching(/^MESH_(CONNECTION_LOST|STREAM_CLOSED_BY_PEER)$/) });
});

test('processes that start at once in a new home are one and the same node', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omninode-race-'));
  try {
    const children = Array.from({ length: 4 }, () => start({ identityPath: join(home, 'node', 'identity.key') }));
    const peers = await Promise.all(children.map(async (child) => (await child.said('ready'))['peer']));
    expect(new Set(peers).size).toBe(1);
    for (const child of children) expect(await child.stop()).toEqual({ code: 0, errors: '' });
  } finally {
    await rm(home, { recursive: true });
  }
});
