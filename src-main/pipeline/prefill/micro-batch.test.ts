import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseMicroBatch, MICRO_BATCHES, predictPrefillMs, type PrefillCosts, type WayCost } from './micro-batch.ts';
import { costOf, PassCostMeter, type PassCost } from './pass-cost.ts';

const cost = (passMs: number, rowMs: number, depthMs = 0): PassCost => ({ passMs, rowMs, depthMs });
const rows = (count: number, position = 0): { position: number; rows: number } => ({ position, rows: count });
const even = (stages: number, stage: PassCost, way: WayCost = { passMs: 0, rowMs: 0 }): PrefillCosts =>
  ({ stages: Array.from({ length: stages }, () => stage), boundaries: Array.from({ length: stages - 1 }, () => way) });

describe('the predicted time of a prompt', () => {
  it('is the sum over the stages, and M - 1 times the slowest', () => {
    const costs: PrefillCosts = { stages: [cost(5, 1), cost(10, 2), cost(0, 0.5)], boundaries: [{ passMs: 3, rowMs: 0.1 }, { passMs: 7, rowMs: 0 }] };
    const [a, b, c] = [5 + 64, 10 + 128, 32];
    expect(predictPrefillMs(costs, rows(256), 64)).toBeCloseTo(a + b + c + 6.4 + 3 + 7 + 3 * b, 9);
  });

  it('counts a shorter last micro-batch as what it is, and one that takes all as one pass', () => {
    expect(predictPrefillMs(even(1, cost(10, 1)), rows(100), 64)).toBe(2 * 10 + 100);
    expect(predictPrefillMs(even(3, cost(10, 1)), rows(100), 128)).toBe(3 * 110);
  });

  it('is bound by a link that is slower than the stages', () => {
    expect(predictPrefillMs(even(2, cost(0, 1), { passMs: 20, rowMs: 4 }), rows(256), 64)).toBeCloseTo(64 + 4 * 256 + 20 + 64, 9);
  });
});

describe('the chosen size', () => {
  it('is the best of all that there are (seeded cases)', () => {
    const ms = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
    const stage = fc.record({ passMs: ms(50), rowMs: ms(2), depthMs: ms(0.01) });
    const way = fc.record({ passMs: ms(50), rowMs: ms(2) });
    const prompt = fc.record({ position: fc.nat(500), rows: fc.integer({ min: 1, max: 3000 }) });
    fc.assert(fc.property(fc.array(stage, { minLength: 1, maxLength: 5 }), way, prompt, (stages, between, asked) => {
      const costs: PrefillCosts = { stages, boundaries: stages.slice(1).map(() => between) };
      const chosen = chooseMicroBatch({ ...costs, prompt: asked, most: 512 });
      const all = MICRO_BATCHES.filter((size) => size <= 512).map((size) => predictPrefillMs(costs, asked, size));
      expect(predictPrefillMs(costs, asked, chosen)).toBe(Math.min(...all));
    }), { numRuns: 300, seed: 7 });
  });

  it('is small where a pass costs little in itself, large where it costs much, one pass where there is one stage', () => {
    expect(chooseMicroBatch({ ...even(3, cost(0.1, 1)), prompt: rows(2048), most: 512 })).toBe(32);
    expect(chooseMicroBatch({ ...even(3, cost(400, 1)), prompt: rows(2048), most: 512 })).toBe(512);
    expect(chooseMicroBatch({ ...even(1, cost(1, 1)), prompt: rows(2048), most: 256 })).toBe(256);
  });

  it('keeps within what the stages have room for, also between two sizes', () => {
    expect(chooseMicroBatch({ ...even(2, cost(400, 1)), prompt: rows(2048), most: 200 })).toBe(200);
    expect(chooseMicroBatch({ ...even(2, cost(400, 1)), prompt: rows(2048), most: 8 })).toBe(8);
  });

  it('stays what it was unless another is clearly better', () => {
    const costs = even(3, cost(10, 0.4));
    const request = { ...costs, prompt: rows(2048), most: 512 };
    const best = chooseMicroBatch(request);
    expect(best).toBe(128);
    expect(predictPrefillMs(costs, rows(2048), 256)).toBeLessThan(1.1 * predictPrefillMs(costs, rows(2048), 128));
    expect(chooseMicroBatch({ ...request, previous: 256 })).toBe(256);
    expect(chooseMicroBatch({ ...request, previous: 512 })).toBe(128);
    expect(chooseMicroBatch({ ...request, previous: 256, most: 128 })).toBe(128);
  });
});

describe('the cost of passes', () => {
  /** A prompt from position 0 in passes of `size`, on a stage that costs so much. */
  const observe = (meter: PassCostMeter, count: number, { size = 256, of = cost(10, 0.4, 0.001), noise = 0 } = {}): void => {
    const passes = Math.ceil(count / size);
    const ms = Array.from({ length: passes }, (_, i) => costOf(of, rows(Math.min(size, count - i * size), i * size))).reduce((sum, one) => sum + one, 0);
    meter.add({ position: 0, passes, rows: count, ms: ms * (1 + noise) });
  };
  const warm = (): PassCostMeter => {
    const meter = new PassCostMeter();
    meter.add({ position: 0, passes: 1, rows: 100, ms: 1e6 });
    return meter;
  };
  const near = (meter: PassCostMeter, { passMs, rowMs, depthMs }: PassCost, digits = 5): void => {
    expect(meter.cost?.passMs).toBeCloseTo(passMs, digits);
    expect(meter.cost?.rowMs).toBeCloseTo(rowMs, digits);
    expect(meter.cost?.depthMs).toBeCloseTo(depthMs, digits);
  };

  it('is not known before warm prompts of three sizes were seen, and then exact', () => {
    const meter = warm();
    expect(meter.cost).toBeUndefined();
    for (const count of [512, 512, 1024]) observe(meter, count);
    expect(meter.cost).toBeUndefined();
    observe(meter, 40);
    observe(meter, 150);
    near(meter, cost(10, 0.4, 0.001));
  });

  it('knows long prompts, whose rows look back on many, from large passes', () => {
    const meter = warm();
    for (const count of [300, 40, 700, 1500]) observe(meter, count, { of: cost(2, 0.4, 0.002) });
    near(meter, cost(2, 0.4, 0.002));
  });

  it('follows a machine that became slower, and shrugs at noise', () => {
    const meter = warm();
    for (const [i, count] of [256, 40, 128, 700, 300].entries()) observe(meter, count, { noise: i % 2 === 0 ? 0.03 : -0.03 });
    expect(meter.cost?.rowMs).toBeGreaterThan(0.2);
    expect(meter.cost?.rowMs).toBeLessThan(0.6);
    for (let round = 0; round < 8; round++) for (const count of [256, 40, 128, 700, 300]) observe(meter, count, { of: cost(30, 1.2, 0.003) });
    near(meter, cost(30, 1.2, 0.003), 3);
  });

  it('keeps what it learnt while all prompts are alike, and follows how slow they are', () => {
    const meter = warm();
    for (const count of [256, 40, 700]) observe(meter, count);
    for (const factor of [1, 2]) for (let i = 0; i < 60; i++) observe(meter, 128, { size: 32, of: cost(10 * factor, 0.4 * factor, 0.001 * factor) });
    near(meter, cost(20, 0.8, 0.002), 3);
  });

  it('is never negative, and ignores what is no observation', () => {
    const meter = warm();
    for (const bad of [{ passes: 0, rows: 0, ms: 0 }, { passes: 1, rows: 5, ms: Number.NaN }, { passes: 1, rows: 0, ms: 3 }]) meter.add({ position: 0, ...bad });
    // Time per row that falls with the size more than passes explain, and one that rises at once.
    for (const [count, ms] of [[10, 8], [100, 100], [200, 60], [50, 300]] as const) meter.add({ position: 0, passes: 1, rows: count, ms });
    for (const value of Object.values(meter.cost ?? { none: -1 })) expect(value).toBeGreaterThanOrEqual(0);
  });
});
