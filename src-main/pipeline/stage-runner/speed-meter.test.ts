import { expect, it } from 'vitest';
import { SpeedMeter } from './speed-meter.ts';

const none = { rows: 0, computeUs: 0 };

it('knows nothing before a run, and nothing from a run of a few rows', () => {
  const meter = new SpeedMeter();
  meter.add({}, { weightBytes: 1e6, prefill: none, decode: { rows: 3, computeUs: 10 } });
  expect(meter.speed).toEqual({ decodeBytesPerSecond: undefined, prefillBytesPerSecond: undefined });
});

it('counts weights per time, prompts and answers apart', () => {
  const meter = new SpeedMeter();
  meter.add({}, { weightBytes: 1e6, prefill: { rows: 100, computeUs: 10_000 }, decode: { rows: 10, computeUs: 5_000 } });
  expect(meter.speed).toEqual({ decodeBytesPerSecond: 2e9, prefillBytesPerSecond: 1e10 });
});

it('follows a change, and one odd run moves it only so far', () => {
  const meter = new SpeedMeter();
  const run = (us: number): void => meter.add({}, { weightBytes: 1e6, prefill: none, decode: { rows: 10, computeUs: us } });
  run(5_000);
  run(50_000);
  expect(meter.speed.decodeBytesPerSecond).toBeCloseTo(2e9 - 0.3 * 1.8e9, -3);
  for (let i = 0; i < 20; i++) run(50_000);
  expect((meter.speed.decodeBytesPerSecond ?? 0) / 2e8).toBeCloseTo(1, 1);
});

it('counts the same rows once, however often their sums are told', () => {
  const meter = new SpeedMeter();
  const run = {};
  const tell = (rows: number, us: number): void => meter.add(run, { weightBytes: 1e6, prefill: none, decode: { rows, computeUs: us } });
  tell(10, 5_000);
  for (let i = 0; i < 20; i++) tell(10, 5_000);
  expect(meter.speed.decodeBytesPerSecond).toBe(2e9);
  // Too few to say anything yet, and not forgotten.
  tell(14, 9_000);
  expect(meter.speed.decodeBytesPerSecond).toBe(2e9);
  tell(20, 15_000);
  expect(meter.speed.decodeBytesPerSecond).toBeCloseTo(2e9 - 0.3 * 1e9, -3);
});

it('sees a node that slows down amid a run, by the rows since', () => {
  const meter = new SpeedMeter();
  const run = {};
  let [rows, computeUs] = [0, 0];
  for (let poll = 0; poll < 30; poll++) {
    [rows, computeUs] = [rows + 10, computeUs + (poll < 10 ? 5_000 : 50_000)];
    meter.add(run, { weightBytes: 1e6, prefill: none, decode: { rows, computeUs } });
  }
  expect((meter.speed.decodeBytesPerSecond ?? 0) / 2e8).toBeCloseTo(1, 1);
});

it('reports what was measured, and guesses the rest from the machine', () => {
  const machine = { backend: 'cpu', freeBytes: 4e9, memoryBytesPerSecond: 1e10 } as const;
  const meter = new SpeedMeter();
  expect(meter.report(machine)).toEqual({ backend: 'cpu', freeBytes: 4e9, decodeBytesPerSecond: 1e10, prefillBytesPerSecond: 8e10, isMeasured: false });
  meter.add({}, { weightBytes: 1e6, prefill: { rows: 100, computeUs: 10_000 }, decode: { rows: 10, computeUs: 5_000 } });
  expect(meter.report(machine)).toMatchObject({ decodeBytesPerSecond: 2e9, prefillBytesPerSecond: 1e10, isMeasured: true });
});
