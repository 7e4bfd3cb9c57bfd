import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asManifestCid, asPeerId, type LayerRange } from '../../base/index.ts';
import type { OfferedShard } from '../ports.ts';
import { cheapestCover, withFetches } from './supply.ts';

const shard = (first: number, last: number, sizeBytes = last - first + 1): OfferedShard => ({ layers: { first, last }, sizeBytes });
const ranges = (shards: readonly OfferedShard[]): string[] => shards.map(({ layers }) => `${layers.first}-${layers.last}`);

describe('what has to be fetched', () => {
  it.each([
    { what: 'nothing where all is held', held: [shard(2, 5)], offered: [shard(2, 5)], fetched: [] },
    { what: 'all where nothing is', held: [], offered: [shard(0, 1), shard(2, 3), shard(4, 5)], fetched: ['2-3', '4-5'] },
    { what: 'what lies between shards of another cut', held: [shard(2, 2), shard(5, 5)], offered: [shard(2, 2), shard(3, 3), shard(4, 4), shard(5, 5)], fetched: ['3-3', '4-4'] },
    { what: 'as few bytes as do', held: [shard(4, 5)], offered: [shard(2, 5, 1), shard(2, 3, 2)], fetched: ['2-5'] },
  ])('is $what', ({ held, offered, fetched }) => {
    expect(ranges(cheapestCover(held, offered, { first: 2, last: 5 })?.fetch ?? [])).toEqual(fetched);
  });

  it('is not known where no whole shards make the range up', () => {
    expect(cheapestCover([shard(2, 3)], [shard(3, 5)], { first: 2, last: 5 })).toBeUndefined();
    expect(cheapestCover([], [shard(2, 6)], { first: 2, last: 5 })).toBeUndefined();
    expect(cheapestCover([], [shard(1, 5)], { first: 2, last: 5 })).toBeUndefined();
  });

  it('is the least of all ways, tried one by one', () => {
    const shards = fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.integer({ min: 1, max: 9 })).map(([first, more, size]) => shard(first, first + more, size)), { maxLength: 8 });
    const ranges = fc.tuple(fc.nat(3), fc.nat(3)).map(([first, more]) => ({ first, last: first + more }));
    fc.assert(fc.property(shards, shards, ranges, (held, offered, range) => {
      const cover = cheapestCover(held, offered, range);
      expect(cover?.bytes).toEqual(leastBytes(held, offered, range));
      if (cover !== undefined) expect(cover.fetch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(cover.bytes);
    }));
  });
});

/** Every run of shards, by recursion. */
function leastBytes(held: readonly OfferedShard[], offered: readonly OfferedShard[], { first, last }: LayerRange): number | undefined {
  if (first > last) return 0;
  const ways = [...held.map((one) => ({ ...one, sizeBytes: 0 })), ...offered].filter(({ layers }) => layers.first === first && layers.last <= last).flatMap(({ layers, sizeBytes }) => {
    const rest = leastBytes(held, offered, { first: layers.last + 1, last });
    return rest === undefined ? [] : [sizeBytes + rest];
  });
  return ways.length === 0 ? undefined : Math.min(...ways);
}

it('a stage is told where to fetch from only when its peer lacks something, and never from that peer itself', () => {
  const [x, y] = [asPeerId('x'), asPeerId('y')];
  const node = { backend: 'cpu', freeBytes: 1e9, decodeBytesPerSecond: 1, prefillBytesPerSecond: 1, isMeasured: true, fetch: { freeBytes: 1e9, bytesPerSecond: 1000, isMeasured: false } } as const;
  const supply = { manifestCid: asManifestCid('cut'), shards: [shard(0, 1, 500), shard(2, 3, 700)], sources: [{ peer: y, addresses: ['/y'] }, { peer: asPeerId('z'), addresses: ['/z'] }] };
  const stages = [{ peer: x, addresses: [], layers: { first: 0, last: 1 } }, { peer: y, addresses: [], layers: { first: 2, last: 3 } }];
  expect(withFetches(stages, [{ peer: x, addresses: [], shards: [shard(0, 1)], node }, { peer: y, addresses: [], shards: [], node }], [supply])).toEqual([
    stages[0], { ...stages[1], fetch: { manifestCid: 'cut', sources: [{ peer: 'z', addresses: ['/z'] }], bytes: 700, ms: 700 } },
  ]);
  // Its shards begin and end elsewhere.
  expect(() => withFetches([{ peer: x, addresses: [], layers: { first: 1, last: 3 } }], [{ peer: x, addresses: [], shards: [], node }], [supply])).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
});
