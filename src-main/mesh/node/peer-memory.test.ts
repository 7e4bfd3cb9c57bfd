import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { Key } from 'interface-datastore';
import { afterEach, expect, test } from 'vitest';
import { loadIdentity } from '../identity/identity.ts';
import { MAX_REMEMBERED_PEERS } from '../options.ts';
import { createMeshLibp2p, type MeshLibp2p } from './create-libp2p.ts';
import { PeerMemory } from './peer-memory.ts';

const ADDRESS = multiaddr('/ip4/127.0.0.1/tcp/9');
const running: MeshLibp2p[] = [];
afterEach(async () => {
  for (const libp2p of running.splice(0)) await libp2p.stop();
});

const peer = (name: string): Key => new Key(`/peers/${name}`);
const bytes = (text: string): Uint8Array => Buffer.from(text);
const kept = (memory: PeerMemory, keys: readonly Key[]): string[] => keys.filter((key) => memory.has(key) === true).map((key) => key.name());

test('a node that meets ever new peers forgets the first, and never itself', async () => {
  const key = await loadIdentity({ kind: 'ephemeral' });
  const libp2p = await createMeshLibp2p(key, { listen: [], identity: { kind: 'ephemeral' }, mdns: false, agent: 'test/1' });
  running.push(libp2p);
  await libp2p.start();
  const met = await Promise.all(Array.from({ length: MAX_REMEMBERED_PEERS + 3 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))));
  for (const id of met) await libp2p.peerStore.merge(id, { multiaddrs: [ADDRESS] });
  expect(await libp2p.peerStore.all()).toHaveLength(MAX_REMEMBERED_PEERS);
  expect(await Promise.all([met[0], met[2], met[3], met.at(-1)].map((id) => libp2p.peerStore.has(id!)))).toEqual([false, false, true, true]);
  expect(await libp2p.peerStore.has(libp2p.peerId)).toBe(true);
});

test('who is asked for stays longest', () => {
  const memory = new PeerMemory({ own: 'me', maxPeers: 2 });
  const [a, b, c] = [peer('a'), peer('b'), peer('c')];
  void memory.put(a, bytes('1'));
  void memory.put(b, bytes('2'));
  expect(memory.get(a)).toEqual(new Uint8Array(bytes('1')));
  void memory.put(c, bytes('3'));
  expect(kept(memory, [a, b, c])).toEqual(['a', 'c']);
  void memory.delete(a);
  void memory.put(b, bytes('2'));
  expect(kept(memory, [a, b, c])).toEqual(['b', 'c']);
});

test('what is no peer, and the node itself, does not count', () => {
  const memory = new PeerMemory({ own: 'me', maxPeers: 1 });
  const all = [peer('me'), new Key('/dht/record'), peer('a')];
  for (const key of all) void memory.put(key, bytes('x'));
  expect(kept(memory, all)).toEqual(['me', 'record', 'a']);
});

test('a record pins no pool of buffers', () => {
  const memory = new PeerMemory({ own: 'me', maxPeers: 1 });
  const pooled = Buffer.allocUnsafe(8).fill(1);
  expect(pooled.buffer.byteLength).toBeGreaterThan(pooled.length);
  void memory.put(peer('a'), pooled);
  expect((memory.get(peer('a')) as Uint8Array).buffer.byteLength).toBe(8);
});
