import { multiaddr } from '@multiformats/multiaddr';
import { expect, it } from 'vitest';
import { reachableFrom, tcpReachOf } from './reach.ts';

const PUBLIC = '/ip4/203.0.113.7/tcp/4001';
const PRIVATE = '/ip4/192.168.1.7/tcp/4001';
const MACHINE = '/ip4/127.0.0.1/tcp/4001';
const ALL = [MACHINE, PRIVATE, PUBLIC];

it.each([
  [MACHINE, 'machine'], ['/ip6/::1/tcp/1', 'machine'], ['/ip4/127.9.9.9/tcp/1', 'machine'],
  [PRIVATE, 'private'], ['/ip4/10.0.0.1/tcp/1', 'private'], ['/ip4/172.31.0.1/tcp/1', 'private'], ['/ip4/100.64.0.1/tcp/1', 'private'], ['/ip4/169.254.1.1/tcp/1', 'private'], ['/ip6/fe80::1/tcp/1', 'private'], ['/ip6/fd00::1/tcp/1', 'private'],
  [PUBLIC, 'public'], ['/ip4/172.32.0.1/tcp/1', 'public'], ['/ip6/2001:db8::1/tcp/1', 'public'],
  ['/dns4/evil.example/tcp/1', undefined], ['/ip4/203.0.113.7/udp/1/quic-v1', undefined], ['/unix/tmp', undefined],
])('%s is %s', (address, reach) => expect(tcpReachOf(multiaddr(address))).toBe(reach));

it.each([
  [[], ALL], [[MACHINE], ALL], [[MACHINE, PRIVATE], [PRIVATE, PUBLIC]], [[PUBLIC], [PUBLIC]],
])('a node at %j takes %j', (own, taken) => {
  const told = [...ALL, '/dns4/evil.example/tcp/1'].map((address) => multiaddr(address));
  expect(reachableFrom(own.map((address) => multiaddr(address)), told, 8).map(String)).toEqual(taken);
});

it('no more are taken than the limit', () => expect(reachableFrom([], Array.from({ length: 100 }, () => multiaddr(PUBLIC)), 8)).toHaveLength(8));
