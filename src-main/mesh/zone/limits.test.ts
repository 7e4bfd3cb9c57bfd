import { describe, expect, test } from 'vitest';
import type { Connection } from '@libp2p/interface';
import { asPeerId, ManualClock, type PeerId } from '../../base/index.ts';
import type { FrameStream, ProtocolLimits } from '../types.ts';
import { Admission } from './admission.ts';
import { Conduct } from './conduct.ts';
import { FAULT_FORGIVEN_MS, IDLE_SESSION_MS, MACHINE_SESSIONS_PER_SECOND, MAX_FAULTS, MAX_PENDING_PER_ADDRESS, PEER_STREAMS } from './constants.ts';
import { countedAs, hostOf } from './host-of.ts';
import { IdleSessions } from './idle-sessions.ts';
import { Quotas } from './quotas.ts';
import { ReplayWindow } from './replay-window.ts';

const PEER = asPeerId('12D3KooWF2kofqimE2cZg7ixHuuYmFeSeWAFWUGrxAiPYPRvPYFq');

describe('sessions of an address', () => {
  const settled = (admission: Admission, host: string, count: number): number => {
    let entered = 0;
    for (let i = 0; i < count; i++) {
      try {
        admission.enter(host).settle();
        entered++;
      } catch { /* counted by what is left out */ }
    }
    return entered;
  };

  test('ten may begin a second, each address for itself', () => {
    const clock = new ManualClock();
    const admission = new Admission(10, clock);
    expect(settled(admission, '203.0.113.7', 30)).toBe(10);
    expect(settled(admission, '203.0.113.8', 30)).toBe(10);
    clock.advance(1000);
    expect(settled(admission, '203.0.113.7', 30)).toBe(10);
    expect(() => admission.enter('203.0.113.7')).toThrow(expect.objectContaining({ code: 'ZONE_TOO_MANY_SESSIONS', meta: { address: '203.0.113.7', perSecond: 10 } }));
  });

  test('a whole IPv6 network is one address, this machine has a limit of its own', () => {
    const admission = new Admission(10, new ManualClock());
    expect(Array.from({ length: 30 }, (_, i) => settled(admission, `2001:db8::${i + 1}`, 1)).reduce((a, b) => a + b)).toBe(10);
    expect(settled(admission, '2001:db8:0:1::1', 30)).toBe(10);
    expect(settled(admission, '127.0.0.1', 1000)).toBe(MACHINE_SESSIONS_PER_SECOND);
    expect(settled(admission, '::1', 1000)).toBe(0);
  });

  test('so many may be under way; one that settles makes room, and settles once', () => {
    const clock = new ManualClock();
    const admission = new Admission(10, clock);
    const pending = Array.from({ length: 10 }, () => admission.enter('203.0.113.7'));
    clock.advance(1000);
    for (let i = 10; i < MAX_PENDING_PER_ADDRESS; i++) pending.push(admission.enter('203.0.113.7'));
    expect(() => admission.enter('203.0.113.7')).toThrow(expect.objectContaining({ code: 'ZONE_TOO_MANY_PENDING' }));
    pending[0]?.settle();
    pending[0]?.settle();
    admission.enter('203.0.113.7');
    expect(() => admission.enter('203.0.113.7')).toThrow(expect.objectContaining({ code: 'ZONE_TOO_MANY_PENDING' }));
  });

  test('who proves that he is a member does not count', () => {
    const admission = new Admission(10, new ManualClock());
    for (let i = 0; i < 100; i++) {
      const admitted = admission.enter('203.0.113.7');
      admitted.excuse();
      admitted.settle();
    }
    expect(settled(admission, '203.0.113.7', 30)).toBe(10);
  });

  test.each([['203.0.113.7', '203.0.113.7'], ['2001:db8::1', '2001:db8:0:0::/64'], ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'], ['fe80::1', 'fe80:0:0:0::/64'], ['::1', '0:0:0:0::/64']])('%s counts as %s', (host, counted) => expect(countedAs(host)).toBe(counted));
  test.each([['::ffff:192.0.2.1', '192.0.2.1'], ['::FFFF:192.0.2.1', '192.0.2.1'], ['FE80::1%eth0', 'fe80::1'], ['192.0.2.1', '192.0.2.1'], ['2001:0db8:0:0:0:0:0:1', '2001:db8::1']])('%s is %s', (ip, host) => expect(hostOf(ip)).toBe(host));
});

describe('conduct', () => {
  test('faults are forgiven with time; too many at once are told, once', () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const conduct = new Conduct(clock, (peer, code) => void told.push(`${peer} ${code}`));
    for (let i = 0; i < MAX_FAULTS; i++) conduct.fault(PEER, 'A');
    expect(conduct.faultsOf(PEER)).toBe(MAX_FAULTS);
    clock.advance(2 * FAULT_FORGIVEN_MS);
    expect(conduct.faultsOf(PEER)).toBe(MAX_FAULTS - 2);
    conduct.fault(PEER, 'A');
    conduct.fault(PEER, 'A');
    expect(told).toEqual([]);
    conduct.fault(PEER, 'B');
    expect(told).toEqual([`${PEER} B`]);
    expect(conduct.faultsOf(PEER)).toBe(0);
  });
});

describe('quotas', () => {
  const limits: ProtocolLimits = { maxFrameBytes: 1000, maxQueuedFrames: 4, maxInboundStreams: 4, maxOutboundStreams: 4 };
  const quiet = { sent: () => undefined, received: () => undefined, refused: () => undefined };
  const aborted = (quotas: Quotas, of: ProtocolLimits): { readonly received: (bytes: number) => void; readonly errors: unknown[] } => {
    const errors: unknown[] = [];
    const metered = quotas.metered(quiet, { protocol: '/p/1.0.0', limits: of, peer: PEER });
    metered.attach({ abort: (error: Error) => void errors.push(error) } as unknown as FrameStream);
    return { received: metered.received, errors };
  };

  test('a peer opens so many streams a second, over all protocols', () => {
    const clock = new ManualClock();
    const quotas = new Quotas(clock);
    const opened = (count: number): number => Array.from({ length: count }, () => quotas.refusalOf(PEER, '/p/1.0.0', limits)).filter((refusal) => refusal === undefined).length;
    expect(opened(2 * PEER_STREAMS.burst)).toBe(PEER_STREAMS.burst);
    clock.advance(1000);
    expect(opened(2 * PEER_STREAMS.burst)).toBe(PEER_STREAMS.perSecond);
    expect(quotas.refusalOf(PEER, '/p/1.0.0', limits)).toMatchObject({ code: 'ZONE_TOO_MANY_STREAMS', fault: 'peer' });
  });

  test('and so many of one protocol, without harm to others', () => {
    const clock = new ManualClock();
    const quotas = new Quotas(clock);
    const few = { ...limits, streamsPerSecond: 3 };
    const opened = (protocol: string): number => Array.from({ length: 20 }, () => quotas.refusalOf(PEER, protocol, few)).filter((refusal) => refusal === undefined).length;
    expect([opened('/p/1.0.0'), opened('/q/1.0.0')]).toEqual([6, 6]);
    clock.advance(1000);
    expect(opened('/p/1.0.0')).toBe(3);
    expect(quotas.refusalOf(PEER, '/p/1.0.0', few)).toMatchObject({ code: 'ZONE_QUOTA_EXCEEDED', fault: 'peer', meta: { what: 'streams' } });
  });

  test('frames and bytes count over all streams of a peer on a protocol', () => {
    const quotas = new Quotas(new ManualClock());
    const framed = { ...limits, framesPerSecond: 5 };
    const [one, two] = [aborted(quotas, framed), aborted(quotas, framed)];
    for (let i = 0; i < 5; i++) { one.received(1); two.received(1); }
    expect([...one.errors, ...two.errors]).toEqual([]);
    two.received(1);
    expect(two.errors).toMatchObject([{ code: 'ZONE_QUOTA_EXCEEDED', meta: { what: 'frames' } }]);
    const bytes = aborted(new Quotas(new ManualClock()), { ...limits, bytesPerSecond: 1000 });
    bytes.received(1000);
    bytes.received(1000);
    expect(bytes.errors).toEqual([]);
    bytes.received(1);
    expect(bytes.errors).toMatchObject([{ code: 'ZONE_QUOTA_EXCEEDED', meta: { what: 'bytes' } }]);
  });

  test('a protocol without them is as it was', () => {
    const free = aborted(new Quotas(new ManualClock()), limits);
    for (let i = 0; i < 10_000; i++) free.received(1_000_000);
    expect(free.errors).toEqual([]);
  });
});

describe('idle sessions', () => {
  const connection = (protocols: readonly string[]): Connection => ({ remotePeer: { toString: (): PeerId => PEER }, streams: protocols.map((protocol) => ({ protocol, status: 'open' })) }) as unknown as Connection;
  const upkeep = connection(['/meshsub/1.2.0', '/ipfs/ping/1.0.0', '/omni/kad/1.0.0', '/omni-node/ping/1.0.0', '/omni/alive/1.0.0']);

  test('upkeep is no use; after an hour of nothing else a session is idle', () => {
    const clock = new ManualClock();
    const sessions = new IdleSessions(clock);
    expect(sessions.idle([upkeep])).toEqual([]);
    clock.advance(IDLE_SESSION_MS - 1);
    expect(sessions.idle([upkeep])).toEqual([]);
    clock.advance(1);
    expect(sessions.idle([upkeep])).toEqual([upkeep]);
    sessions.used(PEER);
    expect(sessions.idle([upkeep])).toEqual([]);
  });

  test('an open stream keeps it', () => {
    const clock = new ManualClock();
    const sessions = new IdleSessions(clock);
    const busy = connection(['/meshsub/1.2.0', '/omni/stage/1.0.0']);
    sessions.idle([busy]);
    clock.advance(2 * IDLE_SESSION_MS);
    expect(sessions.idle([busy])).toEqual([]);
  });
});

test('a window remembers for its time, and no more than it may', () => {
  const clock = new ManualClock();
  const seen = new ReplayWindow({ windowMs: 100, maxKeys: 3 }, clock);
  expect(['a', 'b', 'a'].map((key) => seen.take(key))).toEqual([true, true, false]);
  clock.advance(100);
  expect(seen.take('a')).toBe(true);
  for (const key of ['c', 'd', 'e']) seen.take(key);
  expect([seen.take('e'), seen.take('a')]).toEqual([false, true]);
});
