import { expect, it } from 'vitest';
import { asShardCid, type ShardCid } from '../../../base/index.ts';
import type { ServedShard } from '../ports.ts';
import type { Held } from '../schedule/holdings.ts';
import { ReaderCache } from './reader-cache.ts';

const shelf = (held: Held) => {
  const counts = { opened: 0, closed: 0 };
  const find = (cid: ShardCid): Promise<ServedShard> => {
    counts.opened++;
    return Promise.resolve({ cid, sizeBytes: 1, held: () => held, leafHashes: () => Promise.resolve(new Uint8Array(32)), read: (_leaf, into) => Promise.resolve(into), close: () => { counts.closed++; return Promise.resolve(); } });
  };
  return { counts, cache: new ReaderCache({ find }) };
};
const cid = asShardCid('one');

it('opens a whole shard once for all, and keeps it for those who come next', async () => {
  const { counts, cache } = shelf('all');
  const [a, b] = await Promise.all([cache.find(cid), cache.find(cid)]);
  await a?.close();
  await a?.close();
  await b?.close();
  await (await cache.find(cid))?.close();
  expect(counts).toEqual({ opened: 1, closed: 0 });
  await cache.close();
  expect(counts).toEqual({ opened: 1, closed: 1 });
});

it('opens a part anew each time, and closes it at once', async () => {
  const { counts, cache } = shelf(Uint8Array.of(1));
  const first = await cache.find(cid);
  await (await cache.find(cid))?.close();
  expect(counts).toEqual({ opened: 2, closed: 1 });
  await first?.close();
  expect(counts).toEqual({ opened: 2, closed: 2 });
});

it('keeps no more open than it may', async () => {
  const { counts, cache } = shelf('all');
  for (let index = 0; index < 100; index++) await (await cache.find(asShardCid(`shard ${index}`)))?.close();
  expect(counts.opened - counts.closed).toBeLessThanOrEqual(33);
  await cache.close();
  expect(counts.closed).toBe(100);
});
