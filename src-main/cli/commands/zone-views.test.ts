import { expect, test } from 'vitest';
import { bansView } from './ban.ts';
import { zoneView } from './zone.ts';

const HOUR = 3_600_000;

test('bans are shown with what is left of them', () => {
  const bans = [{ subject: '203.0.113.7', reason: 'floods', sinceMs: 0, untilMs: 12 * HOUR }, { subject: '2001:db8::1', reason: '', sinceMs: 0, untilMs: null }, { subject: '192.0.2.1', reason: 'x', sinceMs: 0, untilMs: 90_000 }];
  expect(bansView(bans, 0).split('\n').map((line) => line.trimEnd())).toEqual(['peer or address  for    reason', '203.0.113.7      12 h   floods', '2001:db8::1      ever', '192.0.2.1        2 min  x', '']);
  expect(bansView([], 0)).toBe('nobody is banned\n');
});

test('a zone is shown without its key', () => {
  const report = { zone: 'private' as const, peerId: '12D3KooWx', keyName: '00112233aabbccdd', keyPath: '/home/a/.omninode/zone.key', allowPeers: ['12D3KooWy'], sessionsPerSecond: 10 };
  expect(zoneView(report)).toBe('zone       private\npeer       12D3KooWx\nkey        00112233aabbccdd (/home/a/.omninode/zone.key)\nallow-list 1 peers\nsessions   10 a second from one address\n');
});
