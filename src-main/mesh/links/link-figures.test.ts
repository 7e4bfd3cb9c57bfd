import { expect, test } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { LinkGauge, watched } from './link-figures.ts';

function gauge() {
  const clock = new ManualClock(1_000_000);
  return { clock, gauge: new LinkGauge(clock) };
}

test('says nothing that was not measured', () => {
  expect(gauge().gauge.figures()).toEqual({
    rttMs: undefined, minRttMs: undefined, jitterMs: undefined, bytesPerSecond: undefined, carriedBytesPerSecond: undefined, sentBytes: 0, receivedBytes: 0,
  });
});

test('round trips are smoothed by an eighth, their differences by a sixteenth', () => {
  const { gauge: link } = gauge();
  link.roundTrip(8);
  expect(link.figures()).toMatchObject({ rttMs: 8, minRttMs: 8, jitterMs: undefined });
  link.roundTrip(16);
  expect(link.figures()).toMatchObject({ rttMs: 9, minRttMs: 8, jitterMs: 0.5 });
  link.roundTrip(4);
  expect(link.figures()).toMatchObject({ rttMs: 8.375, minRttMs: 4, jitterMs: 0.5 + (12 - 0.5) / 16 });
});

test('the jitter of alternating round trips comes near to their difference', () => {
  const { gauge: link } = gauge();
  for (let i = 0; i < 200; i++) link.roundTrip(i % 2 === 0 ? 10 : 14);
  expect(link.figures().jitterMs).toBeCloseTo(4, 3);
  expect(link.figures().rttMs).toBeGreaterThan(11);
  expect(link.figures().rttMs).toBeLessThan(13);
});

test('the least round trip is one of late', () => {
  const { gauge: link, clock } = gauge();
  link.roundTrip(1);
  clock.advance(6 * 60_000);
  link.roundTrip(30);
  expect(link.figures().minRttMs).toBe(1);
  clock.advance(6 * 60_000);
  link.roundTrip(40);
  expect(link.figures().minRttMs).toBe(30);
  clock.advance(11 * 60_000);
  expect(link.figures().minRttMs).toBeUndefined();
});

test('what came in the best second is what the link carries at least', () => {
  const { gauge: link, clock } = gauge();
  for (const bytes of [100, 200]) {
    link.received(bytes);
    clock.advance(400);
  }
  clock.advance(400);
  link.received(50);
  expect(link.figures()).toMatchObject({ carriedBytesPerSecond: 300, receivedBytes: 350 });
  // An idle hour is no second of the link's.
  clock.advance(3_600_000);
  link.received(7);
  clock.advance(1_000);
  expect(link.figures()).toMatchObject({ carriedBytesPerSecond: 7 });
});

test('what is lost is told of all probes of the last hour together, ten at most', () => {
  const { gauge: link, clock } = gauge();
  link.datagrams({ sent: 1000, arrived: 1000 });
  expect(link.figures().loss).toBe(0);
  link.datagrams({ sent: 500, arrived: 200 });
  expect(link.figures().loss).toBeCloseTo(0.2, 10);
  for (let i = 0; i < 9; i++) link.datagrams({ sent: 500, arrived: 200 });
  expect(link.figures().loss).toBeCloseTo(0.6, 10);
  clock.advance(59 * 60_000);
  expect(link.figures().loss).toBeCloseTo(0.6, 10);
  clock.advance(60_000);
  expect(link.figures().loss).toBeUndefined();
});

test('another connection is another way: only what was carried in all stays', () => {
  const { gauge: link, clock } = gauge();
  link.roundTrip(5);
  link.probed(1e6);
  link.datagrams({ sent: 2, arrived: 1 });
  link.sent(10);
  link.received(20);
  clock.advance(1_000);
  expect(link.figures()).toMatchObject({ bytesPerSecond: 1e6, carriedBytesPerSecond: 20 });
  link.moved();
  expect(link.figures()).toEqual({ rttMs: undefined, minRttMs: undefined, jitterMs: undefined, bytesPerSecond: undefined, carriedBytesPerSecond: undefined, sentBytes: 10, receivedBytes: 20 });
});

test('a watched stream counts in both places', () => {
  const { gauge: link } = gauge();
  const seen: unknown[] = [];
  const traffic = watched({ sent: (n) => seen.push(['sent', n]), received: (n) => seen.push(['received', n]), refused: (code) => seen.push(code) }, link);
  traffic.sent(3);
  traffic.received(4);
  traffic.refused('X');
  expect(seen).toEqual([['sent', 3], ['received', 4], 'X']);
  expect(link.figures()).toMatchObject({ sentBytes: 3, receivedBytes: 4 });
});
