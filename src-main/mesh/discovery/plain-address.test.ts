import { generateKeyPair } from '@libp2p/crypto/keys';
import { expect, test } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { endOf, isUsableAt, plainAddress } from './plain-address.ts';

const peer = asPeerId((await generateKeyPair('Ed25519')).publicKey.toString());
const other = (await generateKeyPair('Ed25519')).publicKey.toString();

test.each([
  ['/ip4/127.0.0.1/tcp/4001', 'machine'], ['/ip4/192.168.1.7/tcp/4001', 'private'], ['/ip4/8.8.8.8/udp/4001/quic-v1', 'public'],
  ['/ip6/::1/tcp/4001', 'machine'], ['/ip6/fd00::1/tcp/4001/ws', 'private'], [`/ip4/8.8.8.8/tcp/4001/p2p/${other}/p2p-circuit`, 'public'],
])('%s may be dialled on another’s word, within its reach', (address, reach) => {
  expect(plainAddress(`${address}/p2p/${peer}`, peer)).toMatchObject({ reach });
});

test.each([
  '/ip4/10.0.0.1/tcp/4001', `/ip4/10.0.0.1/tcp/4001/p2p/${other}`, `/dns4/victim.example/tcp/80/p2p/${peer}`, `/ip4/0.0.0.0/tcp/1/p2p/${peer}`, `/ip4/10.0.0.1/tcp/0/p2p/${peer}`,
  `/ip4/224.0.0.1/udp/1/p2p/${peer}`, `/ip4/255.255.255.255/udp/1/p2p/${peer}`, `/ip6/ff02::1/udp/1/p2p/${peer}`, `/ip6/::/tcp/1/p2p/${peer}`, `/ip6/::ffff:127.0.0.1/tcp/1/p2p/${peer}`,
  `/ip4/10.0.0.1/tcp/70000/p2p/${peer}`, `/ip4/999.0.0.1/tcp/1/p2p/${peer}`, `/unix/tmp/p2p/${peer}`, `/${'a'.repeat(300)}/p2p/${peer}`, 'nonsense', `/ip4/10.0.0.1/p2p/${peer}`,
])('%s may not', (address) => {
  expect(plainAddress(address, peer)).toBeUndefined();
});

test('nobody is told, or takes, an address nearer than the other end is', () => {
  const usable = (end: string): string[] => ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1'].filter((address) => isUsableAt(endOf(end).reach, plainAddress(`${address}/p2p/${peer}`, peer)!));
  expect(usable('/ip4/127.0.0.1/tcp/999')).toHaveLength(3);
  expect(usable('/ip4/192.168.1.2/tcp/999')).toEqual(['/ip4/10.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1']);
  expect(usable('/ip4/1.1.1.1/tcp/999')).toEqual(['/ip4/8.8.8.8/tcp/1']);
  expect(usable('')).toEqual(['/ip4/8.8.8.8/tcp/1']);
});
