import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, noMetrics, RateLimiter, silentLogger, systemClock, type Clock } from '../../src-main/base/index.ts';
import { Presence } from '../../src-main/mesh/capability/presence.ts';
import type { Mesh } from '../../src-main/mesh/index.ts';
import { IDENTIFY_LIMITS, IDENTIFY_PROTOCOL } from '../../src-main/mesh/protocols/identify/constants.ts';
import { AUTONAT_LIMITS, DIAL_BACK_PROTOCOL, DIAL_REQUEST_PROTOCOL } from '../../src-main/mesh/protocols/autonat/constants.ts';
import { ALIVE_LIMITS, ALIVE_PROTOCOL } from '../../src-main/mesh/protocols/alive/constants.ts';
import { BANDWIDTH_LIMITS, BANDWIDTH_PROTOCOL } from '../../src-main/mesh/protocols/bandwidth/constants.ts';
import { CAPABILITY_LIMITS, CAPABILITY_PROTOCOL, CAPABILITY_RATE } from '../../src-main/mesh/protocols/capability/constants.ts';
import { serveCapability } from '../../src-main/mesh/protocols/capability/server.ts';
import { LOSS_LIMITS, LOSS_PROTOCOL } from '../../src-main/mesh/protocols/loss/constants.ts';
import { PEERS_LIMITS, PEERS_PROTOCOL } from '../../src-main/mesh/protocols/peers/constants.ts';
import { PING_LIMITS, PING_PROTOCOL } from '../../src-main/mesh/protocols/ping/constants.ts';
import { Author, profileOf } from '../../src-main/mesh/testing/capability.ts';
import { Counted } from '../../src-main/mesh/testing/counted.ts';
import { addressOf, TestNodes } from '../../src-main/mesh/testing/nodes.ts';
import type { ProtocolLimits } from '../../src-main/mesh/types.ts';
import { MAX_FAULTS } from '../../src-main/mesh/zone/constants.ts';
import { askForProviders, PROVIDERS_LIMITS, PROVIDERS_PROTOCOL } from '../../src-main/store/index.ts';

const nodes = new TestNodes();
let counted: Counted;
let victim: Mesh;
let friend: Mesh;
async function meet(clock: Clock): Promise<void> {
  counted = new Counted();
  victim = await nodes.start({ metrics: counted.metrics, clock });
  friend = await nodes.start();
  await friend.dial(addressOf(victim));
}
afterEach(() => nodes.stop());

const CONTROL: readonly (readonly [string, ProtocolLimits])[] = [
  [PING_PROTOCOL, PING_LIMITS], [BANDWIDTH_PROTOCOL, BANDWIDTH_LIMITS], [LOSS_PROTOCOL, LOSS_LIMITS], [IDENTIFY_PROTOCOL, IDENTIFY_LIMITS], [CAPABILITY_PROTOCOL, CAPABILITY_LIMITS],
  [PEERS_PROTOCOL, PEERS_LIMITS], [PROVIDERS_PROTOCOL, PROVIDERS_LIMITS], [DIAL_REQUEST_PROTOCOL, AUTONAT_LIMITS], [DIAL_BACK_PROTOCOL, AUTONAT_LIMITS], [ALIVE_PROTOCOL, ALIVE_LIMITS],
];

test.each(CONTROL)('%s has a quota of streams and of frames, and more of both than one stream takes', (_, limits) => {
  expect(2 * (limits.streamsPerSecond ?? 0)).toBeGreaterThanOrEqual(limits.maxInboundStreams);
  expect(limits.framesPerSecond).toBeGreaterThan(0);
});

test.each(CONTROL)('a peer that opens %s without end is cut, counted, and banned in the end; others are served', async (protocol, limits) => {
  // Its time stands still: how many are too many does not depend on how fast this machine is.
  await meet(new ManualClock(systemClock.now()));
  // Those that the mesh serves itself are as they are; of the others only the door is looked at.
  const isBuiltIn = [PING_PROTOCOL, BANDWIDTH_PROTOCOL, LOSS_PROTOCOL, IDENTIFY_PROTOCOL].some((name) => name === protocol);
  let served = 0;
  if (!isBuiltIn) await victim.handle(protocol, limits, (stream) => { served++; void stream.close(); });
  const rogue = await nodes.start();
  await rogue.dial(addressOf(victim));
  const gone = victim.events.once('peer:disconnect', { accept: ({ peer }) => peer === rogue.peerId });
  const flood = async (): Promise<void> => {
    for (;;) {
      const stream = await rogue.open(victim.peerId, protocol, { limits: { ...limits, maxOutboundStreams: 64 } });
      void stream.close();
      // As quick as it can, but never more at once than may be: it is the rate that has to stop it.
      await stream.closed;
    }
  };
  await flood().catch(() => undefined);
  await gone;
  expect(counted.of('ZONE_QUOTA_EXCEEDED') + counted.of('ZONE_TOO_MANY_STREAMS')).toBeGreaterThanOrEqual(MAX_FAULTS);
  if (!isBuiltIn) expect(served).toBeGreaterThanOrEqual(2 * (limits.streamsPerSecond ?? 0));
  expect(await friend.ping(victim.peerId)).toBeGreaterThan(0);
});

describe('honest use at its heaviest meets no quota', () => {
  beforeEach(() => meet(systemClock));

  test('a newcomer asks for a large directory, more pages than are answered at once', async () => {
    const nowMs = Date.now();
    const links = Array.from({ length: 32 }, (_, i) => ({ peer: `${'x'.repeat(98)}${i}`, rttMs: 1 }));
    const models = Array.from({ length: 32 }, () => ({ hash: 'h'.repeat(100), name: 'n'.repeat(100), totalLayers: 10, held: [], loaded: [] }));
    const told = await Promise.all(Array.from({ length: 600 }, async (_, i) => {
      const author = await Author.create();
      const { bytes } = await author.say({ kind: 'ad', profile: { ...profileOf(`m${i}`), links, models } }, { run: nowMs, seq: 1, at: nowMs, ttlMs: 120_000 });
      return { peer: author.peer, bytes, leftMs: 120_000 };
    }));
    told.sort((a, b) => (a.peer < b.peer ? -1 : 1));
    const rate = new RateLimiter(CAPABILITY_RATE, systemClock);
    let pages = 0;
    await victim.handle(CAPABILITY_PROTOCOL, CAPABILITY_LIMITS, (stream) => void serveCapability(stream, { rate, told: (question) => {
      pages++;
      return 'after' in question ? told.filter(({ peer }) => peer > question.after).map((one) => [one]) : [];
    } }));
    const late = await nodes.start();
    const newcomer = new Presence({ mesh: late, profile: () => profileOf('late'), logger: silentLogger, metrics: noMetrics, clock: systemClock });
    try {
      const all = newcomer.events.once('peer:joined', { accept: () => newcomer.members().length >= told.length });
      await newcomer.start();
      await late.dial(addressOf(victim));
      await all;
      expect(pages).toBeGreaterThan(CAPABILITY_RATE.burst);
      expect([...counted.refusals]).toEqual([]);
    } finally {
      await newcomer.stop();
    }
  });

  test('a process that fetches layer after layer asks for the providers of each, and links are measured meanwhile', async () => {
    const cids = Array.from({ length: 64 }, () => 'bafyr4ibgc2aqkbeyffdf26wxyjkghamczgs6jwuacmvd2tjhupblxwtvoi');
    await victim.handle(PROVIDERS_PROTOCOL, PROVIDERS_LIMITS, (stream) => void (async () => {
      await stream[Symbol.asyncIterator]().next();
      await stream.send(Buffer.from('{"version":1,"providers":[]}'));
      await stream.close();
    })());
    for (let layer = 0; layer < 2 * PROVIDERS_LIMITS.streamsPerSecond; layer++) {
      const stream = await friend.open(victim.peerId, PROVIDERS_PROTOCOL, { limits: PROVIDERS_LIMITS });
      expect(await askForProviders(stream, { cids })).toEqual([]);
    }
    for (let i = 0; i < 4; i++) expect(await friend.bandwidth(victim.peerId)).toBeGreaterThan(0);
    expect(await friend.loss(victim.peerId)).toBe(0);
    for (let i = 0; i < 20; i++) expect(await friend.ping(victim.peerId)).toBeGreaterThan(0);
    expect([...counted.refusals]).toEqual([]);
  });
});
