import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPeerId, layerCount, type LayerRange } from '../../base/index.ts';
import type { StageAssignment } from '../ports.ts';
import { assignRange, holdsWhole, type PeerOffer } from './assign.ts';
import { splitEvenByBytes } from './split.ts';

interface Vectors {
  split: { name: string; layerBytes: number[]; stages: number; cutsAllowed?: number[]; ranges?: [number, number][]; error?: string }[];
  assign: { name: string; totalLayers: number; offers: { peer: string; shards: [first: number, last: number, sizeBytes: number][] }[]; stages?: [peer: string, first: number, last: number][]; error?: string; layer?: number }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/placement.json', import.meta.url), 'utf8')) as Vectors;

const toOffers = (offers: Vectors['assign'][number]['offers']): PeerOffer[] =>
  offers.map(({ peer, shards }) => ({ peer: asPeerId(peer), addresses: [], shards: shards.map(([first, last, sizeBytes]) => ({ layers: { first, last }, sizeBytes })) }));

const shares = (layerBytes: readonly number[], ranges: readonly LayerRange[]): number[] => ranges.map(({ first, last }) => layerBytes.slice(first, last + 1).reduce((a, b) => a + b, 0));
const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

/** Every way to cut 0..layers-1 into `stages` ranges at allowed cuts. */
function* allSplits(cuts: readonly number[], stages: number, range: LayerRange): Generator<LayerRange[]> {
  if (stages === 1) return yield [range];
  for (const cut of cuts) {
    if (cut <= range.first) continue;
    for (const rest of allSplits(cuts, stages - 1, { first: cut, last: range.last })) yield [{ first: range.first, last: cut - 1 }, ...rest];
  }
}

describe('splitEvenByBytes', () => {
  for (const { name, layerBytes, stages, cutsAllowed, ranges, error } of vectors.split) {
    it(name, () => {
      const split = (): LayerRange[] => splitEvenByBytes(layerBytes, cutsAllowed === undefined ? { stages } : { stages, cutsAllowed });
      if (error !== undefined) expect(split).toThrow(expect.objectContaining({ code: error }));
      else expect(split().map(({ first, last }) => [first, last])).toEqual(ranges);
    });
  }

  it('is never worse than brute force, and as even', () => {
    const input = fc.array(fc.nat(50), { minLength: 1, maxLength: 9 }).chain((layerBytes) => fc.tuple(
      fc.constant(layerBytes), fc.subarray(Array.from({ length: layerBytes.length - 1 }, (_, i) => i + 1)), fc.nat(8),
    ));
    fc.assert(fc.property(input, ([layerBytes, cutsAllowed, choice]) => {
      const stages = 1 + (choice % (cutsAllowed.length + 1));
      const got = splitEvenByBytes(layerBytes, { stages, cutsAllowed });
      expect(got[0]?.first).toBe(0);
      expect(got.at(-1)?.last).toBe(layerBytes.length - 1);
      for (let i = 1; i < got.length; i++) expect(got[i]?.first).toBe((got[i - 1]?.last ?? 0) + 1);
      for (const { first } of got.slice(1)) expect(cutsAllowed).toContain(first);
      const all = [...allSplits(cutsAllowed, stages, { first: 0, last: layerBytes.length - 1 })].map((ranges) => shares(layerBytes, ranges));
      const least = Math.min(...all.map((option) => Math.max(...option)));
      const mine = shares(layerBytes, got);
      expect(Math.max(...mine)).toBe(least);
      expect(squares(mine)).toBe(Math.min(...all.filter((option) => Math.max(...option) === least).map(squares)));
    }), { numRuns: 500 });
  });
});

/** Every cover of layers 0..total-1 by runs of whole shards. */
function* allCovers(offers: readonly PeerOffer[], total: number, first = 0): Generator<StageAssignment[]> {
  if (first === total) return yield [];
  for (const { peer, addresses, shards } of offers) {
    for (let last = first; last < total; last++) {
      if (!holdsByHand(shards.map(({ layers }) => layers), first, last)) continue;
      for (const rest of allCovers(offers, total, last + 1)) yield [{ peer, addresses, layers: { first, last } }, ...rest];
    }
  }
}
const holdsByHand = (ranges: readonly LayerRange[], first: number, last: number): boolean =>
  first > last || ranges.some((range) => range.first === first && range.last <= last && holdsByHand(ranges, range.last + 1, last));

describe('assignRange', () => {
  for (const { name, totalLayers, offers, stages, error, layer } of vectors.assign) {
    it(name, () => {
      const assign = (): StageAssignment[] => assignRange(toOffers(offers), { first: 0, last: totalLayers - 1 });
      if (error !== undefined) expect(assign).toThrow(expect.objectContaining({ code: error, meta: expect.objectContaining({ layer }) }));
      else expect(assign().map(({ peer, layers }) => [peer, layers.first, layers.last])).toEqual(stages);
    });
  }

  it('covers every layer once with what each peer holds, with the fewest and then smallest stages', () => {
    const last = 4;
    const shard = fc.tuple(fc.nat(last), fc.nat(2)).map(([first, more]): [number, number, number] => [first, Math.min(last, first + more), 1 + Math.min(last, first + more) - first]);
    const offers = fc.array(fc.array(shard, { maxLength: 6 }), { minLength: 1, maxLength: 3 }).map((all) => toOffers(all.map((shards, i) => ({ peer: `p${i}`, shards }))));
    let covered = 0;
    const cost = (plan: readonly StageAssignment[]): [number, number] => [plan.length, Math.max(...plan.map(({ layers }) => layerCount(layers)))];
    fc.assert(fc.property(offers, (given) => {
      const covers = [...allCovers(given, last + 1)].map(cost).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      if (covers.length === 0) {
        expect(() => assignRange(given, { first: 0, last })).toThrow(expect.objectContaining({ code: 'PIPELINE_NO_PLACEMENT' }));
        return;
      }
      covered++;
      const plan = assignRange(given, { first: 0, last });
      expect(plan.flatMap(({ layers }) => Array.from({ length: layerCount(layers) }, (_, i) => layers.first + i))).toEqual([0, 1, 2, 3, 4]);
      for (const { peer, layers } of plan) expect(holdsWhole(given.find((offer) => offer.peer === peer)?.shards ?? [], layers)).toBe(true);
      expect(cost(plan)).toEqual(covers[0]);
    }), { numRuns: 500 });
    expect(covered).toBeGreaterThan(50);
  });
});
