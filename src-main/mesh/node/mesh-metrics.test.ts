import { afterEach, expect, test } from 'vitest';
import { noMetrics, type Metrics } from '../../base/index.ts';
import { addressOf, TestNodes } from '../testing/nodes.ts';

const nodes = new TestNodes();
afterEach(() => nodes.stop());

/** The last value of each gauge, the sum of each counter and the number of samples of each histogram, by name and labels. */
function recorded() {
  const values = new Map<string, number>();
  const key = (name: string, labels: Readonly<Record<string, string>> = {}): string => [name.replace('omninode_mesh_', ''), ...Object.values(labels)].join(' ');
  const add = (at: string, by: number): void => void values.set(at, (values.get(at) ?? 0) + by);
  const metrics: Metrics = {
    ...noMetrics,
    counter: ({ name }) => ({ inc: (labels, by = 1) => add(key(name, labels), by) }),
    gauge: ({ name }) => ({ set: (value, labels) => values.set(key(name, labels), value) }),
    histogram: ({ name }) => ({ observe: (_, labels) => add(key(name, labels), 1) }),
  };
  return { values, metrics };
}

test('connections are counted by transport and route, dials by what came of them', async () => {
  const { values, metrics } = recorded();
  const near = await nodes.start({ metrics });
  const far = await nodes.start({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] });
  const [plain = '', ws = ''] = far.addresses();
  await near.dial(plain);
  expect(values.get('connections tcp direct')).toBe(1);
  const left = near.events.once('peer:disconnect');
  await near.hangUp(far.peerId);
  await left;
  await near.dial(ws);
  expect(Object.fromEntries(values)).toMatchObject({ 'connections tcp direct': 0, 'connections ws direct': 1, peers: 1, 'handshakes_total outbound made': 2, 'dials_total connected': 2 });
});

test('a dial that fails is counted by its reason, and as a failed handshake where somebody else answered', async () => {
  const { values, metrics } = recorded();
  const [near, far, gone] = [await nodes.start({ metrics }), await nodes.start(), await nodes.start()];
  const address = addressOf(gone);
  await gone.stop();
  await expect(near.dial(address)).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
  expect(Object.fromEntries(values)).toMatchObject({ 'dials_total refused': 1 });
  expect(values.has('handshakes_total outbound failed')).toBe(false);
  await expect(near.dial(addressOf(far).replace(far.peerId, gone.peerId))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
  expect(Object.fromEntries(values)).toMatchObject({ 'dials_total wrong identity': 1, 'handshakes_total outbound failed': 1 });
});

test('round trips and jitter are histograms over all peers', async () => {
  const { values, metrics } = recorded();
  const [near, far] = [await nodes.start({ metrics }), await nodes.start()];
  const peer = await near.dial(addressOf(far));
  const before = values.get('ping_seconds') ?? 0;
  await near.ping(peer);
  await near.ping(peer);
  expect(values.get('ping_seconds')).toBeGreaterThanOrEqual(before + 2);
  expect(values.get('jitter_seconds')).toBeGreaterThanOrEqual(1);
});
