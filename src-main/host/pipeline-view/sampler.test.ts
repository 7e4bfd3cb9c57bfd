import { expect, it } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import type { PipelineSample } from '../../../src-preload/bridge/index.ts';
import { Sampler } from './sampler.ts';

const HOUR_MS = 3_600_000;

function start() {
  const clock = new ManualClock(1_000_000);
  const now = { tokens: 0, isAnswering: false, links: [] as { peer: string; sentBytes: number; receivedBytes: number }[] };
  const told: PipelineSample[] = [];
  const sampler = new Sampler({
    clock, tokens: () => now.tokens, isAnswering: () => now.isAnswering, links: () => now.links, memory: () => ({ hostBytes: 100 }), onSample: (sample) => void told.push(sample),
  });
  const pass = (ms: number): void => {
    clock.advance(ms);
    sampler.take();
  };
  return { clock, now, told, sampler, pass };
}

it('tells rates of the time between two looks', () => {
  const { now, told, pass } = start();
  now.tokens = 80;
  now.links = [{ peer: 'a', sentBytes: 4_000, receivedBytes: 1_000 }];
  pass(2_000);
  now.tokens = 90;
  now.links = [{ peer: 'a', sentBytes: 4_500, receivedBytes: 1_000 }, { peer: 'b', sentBytes: 500, receivedBytes: 0 }];
  pass(2_500);
  expect(told).toEqual([
    { atMs: 1_002_000, spanMs: 2_000, tokensPerSecond: 40, sentBytesPerSecond: 2_000, receivedBytesPerSecond: 500, stageBytesPerSecond: 0, hostBytes: 100 },
    { atMs: 1_004_500, spanMs: 2_500, tokensPerSecond: 4, sentBytesPerSecond: 400, receivedBytesPerSecond: 0, stageBytesPerSecond: 0, hostBytes: 100 },
  ]);
});

it('counts a peer that came again from nothing, and no bytes for one that left', () => {
  const { now, told, pass } = start();
  now.links = [{ peer: 'a', sentBytes: 9_000, receivedBytes: 0 }];
  pass(2_000);
  now.links = [{ peer: 'a', sentBytes: 200, receivedBytes: 0 }];
  pass(2_000);
  now.links = [];
  pass(2_000);
  expect(told.map(({ sentBytesPerSecond }) => sentBytesPerSecond)).toEqual([4_500, 100, 0]);
});

it('has no sample of a time in which the machine slept', () => {
  const { now, told, sampler, pass } = start();
  pass(2_000);
  now.tokens = 1_000;
  pass(600_000);
  pass(2_000);
  expect(told.map(({ atMs, tokensPerSecond }) => [atMs, tokensPerSecond])).toEqual([[1_002_000, 0], [1_604_000, 0]]);
  expect(sampler.samples(HOUR_MS).samples).toHaveLength(2);
});

it('spreads what an answer sent between stages over the time that it took; before that, it is not known', () => {
  const { now, told, sampler, pass, clock } = start();
  pass(2_000);
  now.isAnswering = true;
  pass(2_000);
  pass(2_000);
  expect(told.map(({ stageBytesPerSecond }) => stageBytesPerSecond)).toEqual([0, undefined, undefined]);
  clock.advance(1_000);
  sampler.answered({ ttftMs: 150, durationMs: 5_000, stageBytes: 50_000 });
  now.isAnswering = false;
  pass(1_000);
  expect(sampler.samples(60_000).samples.map(({ stageBytesPerSecond, ttftMs }) => [stageBytesPerSecond, ttftMs])).toEqual([[0, undefined], [10_000, undefined], [10_000, undefined], [5_000, 150]]);
});

it('spreads no byte twice where the machine was busy between a look and the time of day', () => {
  const { now, sampler, pass, clock } = start();
  const lags = [40, 5, 60, 0];
  // Looking at the links takes a while.
  Object.defineProperty(now, 'links', { get: () => { clock.advance(lags.shift() ?? 0); return []; } });
  for (let index = 0; index < 3; index += 1) pass(2_000);
  clock.advance(500);
  sampler.answered({ ttftMs: 150, durationMs: 6_000, stageBytes: 60_000 });
  pass(1_000);
  const { samples } = sampler.samples(60_000);
  expect(samples.reduce((sum, { stageBytesPerSecond = 0, spanMs }) => sum + (stageBytesPerSecond * spanMs) / 1_000, 0)).toBeCloseTo(60_000, 6);
});

it('keeps an hour, thinned out where more of it is asked for', () => {
  const { sampler, pass } = start();
  for (let index = 0; index < 2_000; index += 1) pass(2_000);
  const hour = sampler.samples(HOUR_MS);
  expect(hour.stepMs).toBe(24_000);
  expect(hour.samples.length).toBeLessThanOrEqual(151);
  expect(hour.samples.reduce((sum, { spanMs }) => sum + spanMs, 0)).toBe(HOUR_MS);
  expect(sampler.samples(60_000).samples).toHaveLength(30);
});
