import { afterEach, expect, test } from 'vitest';
import { streamBetween, TestNodes } from '../testing/nodes.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

test('figures of a link come from pings, probes and what its streams carry, each in its place', async () => {
  const pair = await nodes.pair();
  const { near, far, peer } = pair;
  const figures = () => near.peers()[0]?.figures;
  await near.bandwidth(peer);
  const before = figures();
  const rttsMs = [await near.ping(peer), await near.ping(peer)];
  // A probe is no use of the link.
  expect(before?.receivedBytes).toBeLessThan(8 * 1024);
  expect(before?.bytesPerSecond).toBeGreaterThan(0);
  const [opened, accepted] = await streamBetween(pair);
  await opened.send(new Uint8Array(10_000));
  for await (const frame of accepted) {
    await accepted.send(frame.subarray(0, 4_000));
    break;
  }
  for await (const frame of opened) {
    expect(frame.byteLength).toBe(4_000);
    break;
  }
  const after = figures();
  expect(after).toMatchObject({ sentBytes: (before?.sentBytes ?? 0) + 10_000, receivedBytes: (before?.receivedBytes ?? 0) + 4_000 });
  expect(after?.jitterMs).toBeGreaterThanOrEqual(0);
  expect(after?.minRttMs).toBeLessThanOrEqual(Math.min(...rttsMs));
  expect(near.peers()[0]?.rttMs).toBe(after?.rttMs);
  expect(far.peers()[0]?.figures?.receivedBytes).toBeGreaterThanOrEqual(10_000);
});

test('nothing is kept of a peer that left', async () => {
  const { near, far, peer } = await nodes.pair();
  await near.ping(peer);
  const left = near.events.once('peer:disconnect');
  await near.hangUp(peer);
  await left;
  expect(near.peers()).toEqual([]);
  await near.dial(String(far.addresses()[0]));
  expect(near.peers()[0]?.figures?.bytesPerSecond).toBeUndefined();
});
