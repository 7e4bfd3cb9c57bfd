import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asPeerId } from '../../base/index.ts';
import { alignSteps } from './align.ts';
import { chromeTrace, type ChromeEvent } from './chrome.ts';
import type { RequestTrace, StageTrace, TraceStep } from './request-trace.ts';
import { crossingsBetween } from './crossings.ts';
import { settleRing } from './settle-ring.ts';

/** The part of Chromium's Trace Event Format that is used. */
const whole = z.number().int().min(0);
const traceSchema = z.strictObject({
  displayTimeUnit: z.enum(['ms', 'ns']),
  metadata: z.record(z.string(), z.unknown()),
  traceEvents: z.array(z.discriminatedUnion('ph', [
    z.strictObject({ ph: z.literal('X'), name: z.string().min(1), cat: z.string().min(1), pid: whole, tid: whole, ts: whole, dur: whole, args: z.record(z.string(), z.unknown()) }),
    z.strictObject({ ph: z.literal('M'), name: z.enum(['process_name', 'thread_name', 'process_sort_index', 'thread_sort_index']), pid: whole, tid: whole, args: z.record(z.string(), z.unknown()) }),
  ])),
});

const step = (position: number, endMs: number, rest: Partial<TraceStep> = {}): TraceStep => ({ position, rows: 1, isPrefill: false, isLane: false, isDraft: false, endMs, computeUs: 1000, serialiseUs: 100, waitUs: 0, ...rest });
const stage = (index: number, steps: readonly TraceStep[], uncertaintyUs = 200): StageTrace => ({ stage: index, peer: asPeerId(`node-${index}`), layers: { first: 2 * index, last: 2 * index + 1 }, uncertaintyUs, steps });
const trace = (rest: Partial<RequestTrace> = {}): RequestTrace => ({ startedMs: 1000, placedMs: 1002, endedMs: 1040, promptTokens: 3, reusedTokens: 0, failovers: 0, tokens: [], stages: [], ...rest });
const complete = ({ traceEvents }: { readonly traceEvents: readonly ChromeEvent[] }) => traceEvents.filter((event) => event.ph === 'X');

/** Two stages, a prompt of 3 and two more rows; each boundary takes 0.5 ms. */
const TWO = trace({
  tokens: [{ position: 3, heardMs: 1007, gapUs: undefined }, { position: 4, heardMs: 1030, gapUs: 4000 }, { position: 5, heardMs: 1030.2, gapUs: 4100 }],
  stages: [
    stage(0, [step(0, 1004, { rows: 3, isPrefill: true, waitUs: 300 }), step(3, 1008), step(4, 1012)]),
    stage(1, [step(0, 1005.9, { rows: 3, isPrefill: true }), step(3, 1009.6), step(4, 1013.6)]),
  ],
});

describe('the Chrome trace of an answer', () => {
  it('has one process per node, threads by kind, and says how far the clocks can be trusted', () => {
    const { traceEvents, metadata } = chromeTrace(TWO);
    const names = (kind: string): unknown[] => traceEvents.flatMap((event) => (event.ph === 'M' && event.name === kind ? [event.args['name']] : []));
    expect(names('process_name')).toEqual(['coordinator', 'stage 0, layers 0-1, node-0', 'stage 1, layers 2-3, node-1']);
    expect(new Set(names('thread_name'))).toEqual(new Set(['request', 'tokens', 'queue', 'compute', 'frames', 'wire']));
    expect(metadata).toMatchObject({ promptTokens: 3, tokens: 3, alignment: [{ stage: 0, uncertaintyUs: 200, steps: 3 }, { stage: 1, uncertaintyUs: 200, steps: 3 }] });
    expect(metadata['clocks']).toContain('half of a measured round trip');
  });

  it('shows what each frame took, where it was measured', () => {
    const spans = complete(chromeTrace(TWO));
    const of = (pid: number, cat: string) => spans.filter((span) => span.pid === pid && span.cat === cat).map(({ name, ts, dur }) => [name, ts, dur]);
    expect(of(0, 'request')).toEqual([['wait for a place', 0, 2000], ['prefill, to the first token', 2000, 5000], ['decode', 7000, 33_000]]);
    expect(of(1, 'compute')).toEqual([['prefill 0-2', 3000, 1000], ['decode 3', 7000, 1000], ['decode 4', 11_000, 1000]]);
    expect(of(1, 'queue')).toEqual([['prefill 0-2', 2600, 300]]);
    expect(of(1, 'wire')).toEqual([['rows to stage 1', 4000, 800], ['rows to stage 1', 8000, 500], ['rows to stage 1', 12_000, 500]]);
    expect(of(2, 'wire')).toEqual([['token to stage 0', 5900, 1000], ['token to stage 0', 9600, 1300]]);
  });

  it('marks tokens that were told together as one sum', () => {
    const tokens = complete(chromeTrace(TWO)).filter(({ cat }) => cat === 'tokens');
    expect(tokens.map(({ name, args }) => [name, args['toldTogether'], args['sampledAfterUs']])).toEqual([['token at 3', false, [null]], ['2 tokens at 4-5', true, [4000, 4100]]]);
  });

  it('gives waiting micro-batches that overlap a thread each', () => {
    const steps = [step(0, 1010, { isPrefill: true, waitUs: 2000 }), step(1, 1012, { isPrefill: true, waitUs: 4000 }), step(2, 1014, { isPrefill: true, waitUs: 6000 })];
    const queue = complete(chromeTrace(trace({ stages: [stage(0, steps)] }))).filter(({ cat }) => cat === 'queue');
    expect(new Set(queue.map(({ tid }) => tid)).size).toBe(3);
  });

  it('leaves out a boundary that the clocks put before its start, and a stage without a trace', () => {
    const skewed = trace({ stages: [stage(0, [step(3, 1010)]), stage(1, [step(3, 1005)]), undefined] });
    expect(complete(chromeTrace(skewed)).filter(({ cat }) => cat === 'wire')).toEqual([]);
    expect(JSON.stringify(chromeTrace(skewed))).toContain('stage 2 (no trace)');
  });

  it('is well formed for whatever was measured: sorted, nothing negative, no overlap on a thread', () => {
    const us = fc.integer({ min: 0, max: 3_000_000 });
    const ms = fc.double({ min: 0, max: 5000, noNaN: true });
    const steps = fc.array(fc.record({ position: fc.nat(40), rows: fc.integer({ min: 1, max: 8 }), isPrefill: fc.boolean(), isLane: fc.boolean(), isDraft: fc.boolean(), endMs: ms, computeUs: us, serialiseUs: us, waitUs: us }), { maxLength: 12 });
    const tokens = fc.array(fc.record({ position: fc.nat(40), heardMs: ms, gapUs: fc.option(us, { nil: undefined }) }), { maxLength: 8 }).map((list) => list.toSorted((a, b) => a.heardMs - b.heardMs));
    fc.assert(fc.property(fc.array(fc.option(steps, { nil: undefined }), { maxLength: 4 }), tokens, fc.option(ms, { nil: undefined }), (all, heard, placedMs) => {
      const made = chromeTrace(trace({ startedMs: 0, placedMs, endedMs: 6000, tokens: heard, stages: all.map((list, i) => (list === undefined ? undefined : stage(i, list))) }));
      expect(traceSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
      const spans = complete(made);
      expect(spans.map(({ ts }) => ts)).toEqual(spans.map(({ ts }) => ts).toSorted((a, b) => a - b));
      const ends = new Map<string, number>();
      for (const { pid, tid, ts, dur } of spans) {
        expect(ts).toBeGreaterThanOrEqual(ends.get(`${pid}/${tid}`) ?? 0);
        ends.set(`${pid}/${tid}`, ts + dur);
      }
    }));
  });
});

describe('settling the ring', () => {
  const shift = (one: StageTrace, byMs: number): StageTrace => ({ ...one, steps: one.steps.map((each) => ({ ...each, endMs: each.endMs + byMs })) });
  const [first, second] = TWO.stages as [StageTrace, StageTrace];
  const wires = (stages: readonly (StageTrace | undefined)[]): number[] => stages.flatMap((from, i) => crossingsBetween(from!, stages[(i + 1) % stages.length]!).map(({ sentMs, arrivedMs }) => Math.round((arrivedMs - sentMs) * 1000)));

  it('leaves alone what contradicts nothing, and what is no whole ring', () => {
    const late = shift(second, -9);
    for (const stages of [[first, second], [first], [first, late, undefined], [first, { ...late, steps: [] }], []]) expect(settleRing(stages)).toBe(stages);
  });

  it('gives each boundary an even share of the quickest way round where rows would arrive before they were sent', () => {
    // Quickest: 0.5 ms there and 1 ms back, whatever the clocks say.
    expect(wires([first, second])).toEqual([800, 500, 500, 1000, 1300]);
    for (const byMs of [-9, -0.6, 5]) {
      const settled = settleRing([{ ...first, uncertaintyUs: 100 }, shift(second, byMs)]);
      expect(wires(settled)).toEqual([1050, 750, 750, 750, 1050]);
      expect(settled[0]?.steps).toEqual(first.steps);
      expect(settled.map((one) => [one?.uncertaintyUs, Math.round(one?.ringUncertaintyUs ?? 0)])).toEqual([[100, 1500], [100, 1500]]);
    }
  });

  it('keeps the stage with the best round trip where it was', () => {
    const settled = settleRing([first, shift({ ...second, uncertaintyUs: 100 }, -9)]);
    expect(settled[1]?.steps).toEqual(shift(second, -9).steps);
    expect(chromeTrace(trace({ stages: settled })).metadata['alignment']).toEqual([0, 1].map((index) => ({ stage: index, uncertaintyUs: 100, ringUncertaintyUs: 1500, steps: 3 })));
  });
});

describe('aligning a stage', () => {
  const record = { position: 7, rows: 1, isPrefill: false, isLane: true, isDraft: false, ageUs: 2000, computeUs: 1, serialiseUs: 2, waitUs: 3 };

  it('puts its answer in the middle of the way there and back', () => {
    // 10 ms, of which the stage held the question for 4: the answer left 3 ms before it was heard.
    const { uncertaintyUs, steps } = alignSteps([record], { askedMs: 100, heardMs: 110, heldUs: 4000 });
    expect(uncertaintyUs).toBe(3000);
    expect(steps).toEqual([{ position: 7, rows: 1, isPrefill: false, isLane: true, isDraft: false, endMs: 105, computeUs: 1, serialiseUs: 2, waitUs: 3 }]);
  });

  it('takes no stage at its word that it held the question longer than the whole way', () => {
    expect(alignSteps([record], { askedMs: 100, heardMs: 110, heldUs: 4e9 })).toMatchObject({ uncertaintyUs: 0, steps: [{ endMs: 108 }] });
  });
});
