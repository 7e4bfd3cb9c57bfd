import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { noMetrics, systemClock, type Metrics } from '../../base/index.ts';
import { Counted } from '../testing/counted.ts';
import { addressOf, ECHO_PROTOCOL, streamBetween, TEST_LIMITS, TestNodes } from '../testing/nodes.ts';
import { strangerAt } from '../testing/stranger.ts';
import { BanList } from '../zone/bans.ts';
import { newZoneKey } from '../zone/zone-key.ts';

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
  expect([...values.keys()].filter((key) => key.startsWith('handshakes_total'))).toEqual([]);
  await expect(near.dial(addressOf(far).replace(far.peerId, gone.peerId))).rejects.toMatchObject({ code: 'MESH_DIAL_FAILED' });
  expect(Object.fromEntries(values)).toMatchObject({ 'dials_total wrong identity': 1, 'handshakes_total outbound wrong identity': 1 });
});

test('a dial that our own zone does not allow is counted, and as what', async () => {
  const { values, metrics } = recorded();
  const near = await nodes.start({ metrics, zone: { kind: 'local' } });
  const address = `/ip4/203.0.113.7/tcp/1/p2p/${near.peerId}`;
  await expect(near.dial(address)).rejects.toMatchObject({ code: 'ZONE_OUTSIDE' });
  await expect(near.openDirect(address, '/x/1.0.0', { limits: TEST_LIMITS })).rejects.toMatchObject({ code: 'ZONE_OUTSIDE' });
  expect(Object.fromEntries(values)).toMatchObject({ 'dials_total not allowed': 1, 'refusals_total ZONE_OUTSIDE': 2 });
});

describe('a handshake that somebody else began is counted as', () => {
  const counted = new Counted();
  const next = async (outcome: string, act: () => Promise<unknown>): Promise<void> => {
    const before = counted.of(`inbound ${outcome}`);
    await act();
    await counted.reaches(`inbound ${outcome}`, before + 1);
  };
  const noise = Buffer.alloc(500, 0x55);

  test('made, direct streams too', async () => {
    const [near, far] = [await nodes.start(), await nodes.start({ metrics: counted.metrics })];
    await next('made', () => near.dial(addressOf(far)));
    await far.handle('/x/1.0.0', { ...TEST_LIMITS, direct: true }, (stream) => void stream.close());
    await next('made', () => near.openDirect(addressOf(far), '/x/1.0.0', { limits: TEST_LIMITS }));
  });

  test.each<[string, Uint8Array, boolean]>([['closed', Buffer.alloc(0), true], ['protocol', noise, false], ['timeout', Buffer.from('\x13/multistream/1.0.0\n'), false]])('%s', async (outcome, bytes, ends) => {
    const far = await nodes.start({ metrics: counted.metrics });
    await next(outcome, () => strangerAt(addressOf(far), bytes, { ends }));
  });

  test('no member, where it did not knock; refused, where it is banned', async () => {
    const zone = { kind: 'private' as const, key: newZoneKey() };
    const far = await nodes.start({ metrics: counted.metrics, zone });
    await next('no member', () => strangerAt(addressOf(far), noise));
    const folder = await mkdtemp(join(tmpdir(), 'omninode-metrics-'));
    try {
      const near = await nodes.start({ zone });
      await new BanList(join(folder, 'bans.json'), systemClock).add(near.peerId, { reason: '' });
      const guarded = await nodes.start({ metrics: counted.metrics, zone, bansPath: join(folder, 'bans.json') });
      await next('refused', () => near.dial(addressOf(guarded)).catch(() => undefined));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
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

test('streams that are open are a gauge by protocol and direction, however they end', async () => {
  const [ours, theirs] = [recorded(), recorded()];
  const near = await nodes.start({ metrics: ours.metrics });
  const far = await nodes.start({ metrics: theirs.metrics });
  await near.dial(addressOf(far));
  const [first, accepted] = await streamBetween({ near, far });
  const [out, into] = [`open_streams ${ECHO_PROTOCOL} out`, `open_streams ${ECHO_PROTOCOL} in`];
  const second = await near.open(far.peerId, ECHO_PROTOCOL, { limits: TEST_LIMITS });
  expect(ours.values.get(out)).toBe(2);
  expect(theirs.values.get(into)).toBeGreaterThanOrEqual(1);
  second.abort(new TypeError('enough'));
  void first.close();
  await accepted.close();
  await expect.poll(() => [ours.values.get(out), theirs.values.get(into)]).toEqual([0, 0]);
});
