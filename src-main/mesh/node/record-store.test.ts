import { Key } from 'interface-datastore';
import { expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { RecordStore } from './record-store.ts';

const SELF = 'self';
const bytes = Uint8Array.of(1);
const keyOf = (hash: string, peer: string): Key => new Key(`/dht/provider/${hash}/${peer}`, false);

function opened(limits: { maxRecords?: number; maxRecordsPerPeer?: number } = {}) {
  const clock = new ManualClock();
  const refused = { count: 0 };
  const store = new RecordStore({ own: SELF, maxPeers: 1000, peerName: (peer) => peer, prefix: '/dht/provider', ttlMs: 1000, maxRecords: 100, maxRecordsPerPeer: 10, ...limits, self: SELF, clock, onFull: () => void refused.count++ });
  // libp2p remembers those whose records it is given.
  for (const peer of ['a', 'b', 'late', 'flooder', ...Array.from({ length: 20 }, (_, n) => `p${n}`)]) void store.put(new Key(`/peers/${peer}`), bytes);
  const peersOf = async (hash?: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.query({ prefix: hash === undefined ? '/dht/provider' : `/dht/provider/${hash}` })) keys.push(key.toString());
    return keys.map((key) => key.split('/').slice(3).join('/'));
  };
  return { clock, refused, store, peersOf };
}

it('keeps records by key and peer, for as long as they count', async () => {
  const { store, clock, peersOf } = opened();
  await store.put(keyOf('h1', 'a'), bytes);
  clock.advance(600);
  for (const key of [keyOf('h1', 'b'), keyOf('h2', 'a'), keyOf('h1', SELF)]) await store.put(key, bytes);
  expect(await peersOf('h1')).toEqual(['h1/a', 'h1/b', 'h1/self']);
  expect(await peersOf()).toHaveLength(4);
  expect(await store.get(keyOf('h1', 'a'))).toEqual(bytes);
  clock.advance(400);
  expect(await peersOf('h1')).toEqual(['h1/b', 'h1/self']);
  expect(await store.has(keyOf('h1', 'a'))).toBe(false);
  // Told again in time, it counts on.
  await store.put(keyOf('h1', 'b'), bytes);
  clock.advance(999);
  expect(await peersOf()).toEqual(['h1/b', 'h1/self']);
  await store.delete(keyOf('h1', 'b'));
  expect([await peersOf(), store.size]).toEqual([['h1/self'], 0]);
});

it('keeps no more of one peer, nor of all, than it was given room for', async () => {
  const { store, refused, clock, peersOf } = opened({ maxRecords: 15, maxRecordsPerPeer: 10 });
  for (let hash = 0; hash < 20; hash++) await store.put(keyOf(`h${hash}`, 'flooder'), bytes);
  expect([store.size, refused.count]).toEqual([10, 10]);
  for (let peer = 0; peer < 20; peer++) await store.put(keyOf('h', `p${peer}`), bytes);
  expect([store.size, refused.count]).toEqual([15, 25]);
  // What is kept may be told again, ours is always kept, and what expired makes room.
  await store.put(keyOf('h', 'p0'), bytes);
  await store.put(keyOf('h', SELF), bytes);
  expect([store.size, refused.count]).toEqual([15, 25]);
  clock.advance(1000);
  await store.put(keyOf('h', 'late'), bytes);
  expect((await peersOf()).sort()).toEqual(['h/late', 'h/self']);
});

it('keeps everything else as libp2p wants it', async () => {
  const { store, peersOf } = opened();
  const key = new Key('/peers/other');
  await store.put(key, bytes);
  expect([await store.get(key), await store.has(key)]).toEqual([bytes, true]);
  // A provider that was forgotten is not told of: nobody knows where it is.
  await store.put(keyOf('h', 'other'), bytes);
  await store.put(keyOf('h', 'a'), bytes);
  expect(await peersOf('h')).toEqual(['h/other', 'h/a']);
  await store.delete(key);
  expect(await store.has(key)).toBe(false);
  expect(await peersOf('h')).toEqual(['h/a']);
});
