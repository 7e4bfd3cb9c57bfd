import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LeafSet } from './index.ts';

it('does what a set of numbers does, and survives its bytes', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 70 }), fc.array(fc.tuple(fc.boolean(), fc.nat(69))), (size, steps) => {
    const set = new LeafSet(size);
    const model = new Set<number>();
    for (const [adds, at] of steps) {
      const leaf = at % size;
      if (adds) set.add(leaf);
      else set.delete(leaf);
      if (adds) model.add(leaf);
      else model.delete(leaf);
    }
    const sorted = [...model].sort((a, b) => a - b);
    expect([...set]).toEqual(sorted);
    expect([...set.missing()]).toEqual(Array.from({ length: size }, (_, leaf) => leaf).filter((leaf) => !model.has(leaf)));
    expect([set.count, set.isFull]).toEqual([model.size, model.size === size]);
    expect([...new LeafSet(size, set.toBytes())]).toEqual(sorted);
  }));
});

it('refuses leaves and bytes that do not fit', () => {
  const set = LeafSet.full(9);
  for (const leaf of [-1, 9, 0.5]) expect(() => set.add(leaf)).toThrow(expect.objectContaining({ code: 'DAG_NO_SUCH_LEAF' }));
  for (const bits of [[255], [255, 2], [255, 1, 0]]) expect(() => new LeafSet(9, Uint8Array.from(bits))).toThrow(expect.objectContaining({ code: 'DAG_WRONG_LEAVES' }));
});
