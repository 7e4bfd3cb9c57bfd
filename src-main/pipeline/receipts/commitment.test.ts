import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowValues, topEntries } from './activations.ts';
import { commit, compare, exceeded } from './commitment.ts';
import { thresholdsFor } from './options.ts';
import { evaluate, interpolate, PRIME } from './polynomial.ts';

/** Values as a residual stream has them: most small, a few large. */
function windowOf(size: number, seed: number): Float32Array {
  let state = seed;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Float32Array.from({ length: size }, () => (next() - 0.5) * Math.exp(3 * next()));
}
const jittered = (values: Float32Array, relative: number): Float32Array => values.map((value, i) => value * (1 + relative * (i % 2 === 0 ? 1 : -1)));
const EXACT = { lost: 0, stepsMean: 0, stepsMedian: 0 };

describe('polynomials', () => {
  it('go through any points with distinct x', () => {
    const value = fc.integer({ min: 0, max: PRIME - 1 });
    fc.assert(fc.property(fc.uniqueArray(fc.record({ x: value, y: value }), { selector: (p) => p.x, minLength: 1, maxLength: 128 }), (points) => {
      const polynomial = interpolate(points);
      for (const { x, y } of points) expect(evaluate(polynomial, x)).toBe(y);
    }));
  });

  it('have coefficients that are known by hand', () => {
    expect([...interpolate([{ x: 1, y: 6 }, { x: 2, y: 11 }, { x: 3, y: 18 }])]).toEqual([3, 2, 1]);
  });
});

describe('top entries', () => {
  it('are the largest by magnitude, the earlier of equal ones, as rounded bfloat16', () => {
    const entries = topEntries(Float32Array.of(1, -4, 2, -2, 0.5, 2, 1.00390625), 4);
    expect(new Map(entries.map(({ index, bits }) => [index, bits]))).toEqual(new Map([[1, 0xc080], [2, 0x4000], [3, 0xc000], [5, 0x4000]]));
    expect(topEntries(Float32Array.of(1.00390625), 1)).toEqual([{ index: 0, bits: 0x3f80 }]);
    expect(topEntries(Float32Array.of(1.01171875), 1)).toEqual([{ index: 0, bits: 0x3f82 }]);
  });

  it('equal those of sorting everything', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 300 }), fc.integer({ min: 1, max: 128 }), (numbers, count) => {
      const sorted = numbers.map((value, index) => ({ value, index })).sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.index - b.index).slice(0, count);
      expect(topEntries(Float32Array.from(numbers), count).map((entry) => entry.index).sort((a, b) => a - b)).toEqual(sorted.map((entry) => entry.index).sort((a, b) => a - b));
    }));
  });

  it('are refused where a value is no number', () => {
    expect(() => commit(Float32Array.of(1, Number.NaN))).toThrow(expect.objectContaining({ code: 'RECEIPT_NOT_FINITE' }));
  });
});

describe('rows in transit', () => {
  it('are read as F16 and F32', () => {
    expect([...rowValues(Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b), 'f16')]).toEqual([1, -2, 2 ** -24, 65_504]);
    expect([...rowValues(Uint8Array.of(9, 0, 0, 0x80, 0x3f).subarray(1), 'f32')]).toEqual([1]);
  });
});

describe('commitments', () => {
  it.each([[32 * 192, 258], [32 * 8192, 258], [64, 130], [1, 4]])('to %i values have %i bytes and match the values exactly', (size, bytes) => {
    const values = windowOf(size, 7);
    expect(commit(values)).toHaveLength(bytes);
    expect(compare(commit(values), values)).toEqual({ entries: Math.min(128, size), ...EXACT });
  });

  it('move a little with the values and are lost on others', () => {
    const values = windowOf(32 * 512, 3);
    const near = compare(commit(values), jittered(values, 1e-4));
    expect(near.lost).toBeLessThan(8);
    expect(near.stepsMean).toBeLessThan(0.2);
    const other = compare(commit(values), windowOf(32 * 512, 4));
    expect(other.lost).toBeGreaterThan(100);
    expect(compare(commit(values), values.map((value) => -value)).lost).toBe(128);
  });

  it('count steps across a power of two, and take nothing far away for near', () => {
    const committed = commit(Float32Array.of(2, 4, -8));
    expect(compare(committed, Float32Array.of(1.9921875, 4, -8))).toEqual({ entries: 3, lost: 0, stepsMean: 1 / 3, stepsMedian: 0 });
    expect(compare(committed, Float32Array.of(2.25, 4, -8))).toMatchObject({ lost: 0, stepsMean: 16 / 3 });
    expect(compare(committed, Float32Array.of(2.265625, 4, -8))).toMatchObject({ lost: 1, stepsMean: 0 });
    expect(compare(committed, Float32Array.of(2, 4, 8))).toMatchObject({ lost: 1, stepsMean: 0 });
  });

  it('differ by what was changed: half a percent less than five', () => {
    const values = windowOf(32 * 512, 5);
    const by = (relative: number): number => compare(commit(values), jittered(values, relative)).stepsMean;
    expect(by(0.005)).toBeGreaterThan(by(0.0005));
    expect(by(0.05)).toBeGreaterThan(by(0.005));
  });

  it('from anywhere are refused or compared, never followed by a crash', () => {
    const values = windowOf(32 * 4096, 9);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        expect(compare(bytes, values).lost).toBeGreaterThan(90);
      } catch (error) {
        expect(error).toMatchObject({ code: 'RECEIPT_MALFORMED' });
      }
    }));
    const good = commit(values);
    const with16 = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes.writeUInt16LE(value, at);
      return bytes;
    };
    for (const bytes of [good.subarray(1), Buffer.concat([good, good]), with16(0, 0), with16(0, 32_768), with16(0, 65_522), with16(2, PRIME), with16(256, 65_535)]) {
      expect(() => compare(bytes, values)).toThrow(expect.objectContaining({ code: 'RECEIPT_MALFORMED' }));
    }
    const small = windowOf(64, 1);
    const folded = Buffer.from(commit(small));
    folded.writeUInt16LE(60_000, 0);
    expect(() => compare(folded, small)).toThrow(expect.objectContaining({ code: 'RECEIPT_MALFORMED' }));
  });
});

describe('limits', () => {
  const limits = { lostShare: 0.1, stepsMean: 2, stepsMedian: 1 };
  const fine = { entries: 100, lost: 10, stepsMean: 2, stepsMedian: 1 };

  it('name what exceeds them', () => {
    expect(exceeded(fine, limits)).toBeUndefined();
    expect(exceeded({ ...fine, lost: 11 }, limits)).toBe('11 of 100 entries are others');
    expect(exceeded({ ...fine, stepsMean: 2.1 }, limits)).toContain('2.10 steps');
    expect(exceeded({ ...fine, stepsMedian: 1.5 }, limits)).toContain('1.5 steps in the median');
    expect(exceeded({ ...fine, lost: 100, stepsMean: Infinity, stepsMedian: Infinity }, limits)).toContain('entries');
  });
});

describe('limits', () => {
  it('are wider for the few rows of an answer\'s end and for GPUs, but never such that noise passes', () => {
    const noise = compare(commit(windowOf(4000, 5)), windowOf(4000, 6));
    for (const weights of ['float', 'quantised'] as const) for (const backends of [['cpu', 'cpu'], ['cuda', 'cpu']]) {
      const [long, short] = [thresholdsFor({ weights, backends, rows: 8 }), thresholdsFor({ weights, backends, rows: 7 })];
      expect(thresholdsFor({ weights, backends, rows: 32 })).toEqual(long);
      expect(short.stepsMean).toBe(2 * long.stepsMean);
      expect(short.lostShare).toBeGreaterThanOrEqual(long.lostShare);
      expect(exceeded(noise, short)).toMatch(/entries are others/);
    }
  });
});
