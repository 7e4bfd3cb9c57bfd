import { expect, it } from 'vitest';
import { commit } from './commitment.ts';
import { WindowRecorder, type RecordedWindow } from './window-recorder.ts';

const HIDDEN = 4;
const recorder = (isLast = false): WindowRecorder => new WindowRecorder({ hiddenSize: HIDDEN, dtype: 'f32', isLast, nowMs: () => 5 });

/** Rows whose values say which position and side they are of. */
const valuesAt = (first: number, count: number, side: number): Float32Array => Float32Array.from({ length: count * HIDDEN }, (_, i) => side * (first * HIDDEN + i + 1));
const rowsAt = (first: number, count: number, side: number): Uint8Array => new Uint8Array(valuesAt(first, count, side).buffer);
const pass = (position: number, rows: number) => ({ position, rows, input: rowsAt(position, rows, 1), output: rowsAt(position, rows, -1) });
const shape = (windows: readonly RecordedWindow[]): string[] => windows.map(({ first, count }) => `${first}+${count}`);

it('cuts at multiples of 32, whatever passes the rows came in', () => {
  const one = recorder();
  const windows = [...one.add(pass(0, 70)), ...one.end()];
  const other = recorder();
  const single = [...other.add(pass(0, 20)), ...Array.from({ length: 50 }, (_, i) => other.add(pass(20 + i, 1))).flat(), ...other.end()];
  expect(shape(windows)).toEqual(['0+32', '32+32', '64+6']);
  expect(single).toEqual(windows);
  expect(windows[1]).toMatchObject({
    input: { first: 32, count: 32, bytes: commit(valuesAt(32, 32, 1)) }, output: { first: 32, count: 32, bytes: commit(valuesAt(32, 32, -1)) },
    inputTokens: null, sampledTokens: null, startedMs: 5, endedMs: 5,
  });
});

it('begins a window where a run begins, and ends one where the run does', () => {
  const stage = recorder();
  expect(shape([...stage.add(pass(40, 30)), ...stage.end()])).toEqual(['40+24', '64+6']);
  expect(stage.end()).toEqual([]);
  // Rows that were truncated and sent again are of a window of their own.
  expect(shape([...stage.add(pass(0, 10)), ...stage.add(pass(5, 10)), ...stage.end()])).toEqual(['0+10', '5+10']);
});

it('keeps the first stage\'s tokens, and the last stage\'s samples with the rows that they are of', () => {
  const first = recorder();
  expect(first.add({ position: 0, rows: 32, input: Int32Array.from({ length: 32 }, (_, i) => i), output: rowsAt(0, 32, -1) })).toMatchObject([{ input: null, inputTokens: Array.from({ length: 32 }, (_, i) => i) }]);
  const last = recorder(true);
  expect(last.add({ position: 0, rows: 10, input: rowsAt(0, 10, 1), output: rowsAt(9, 1, -1), sampled: 7 })).toEqual([]);
  last.add({ position: 10, rows: 1, input: rowsAt(10, 1, 1), output: rowsAt(10, 1, -1), sampled: 8 });
  expect(last.end()).toMatchObject([{ first: 0, count: 11, sampledTokens: [7, 8], input: { count: 11 }, output: { first: 9, count: 2, bytes: commit(valuesAt(9, 2, -1)) } }]);
  const blind = recorder(true);
  blind.add({ position: 0, rows: 2, input: rowsAt(0, 2, 1), output: undefined });
  expect(blind.end()).toMatchObject([{ output: null, sampledTokens: [] }]);
});

it('refuses rows in Q8, of which honest machines have unlike ones', () => {
  expect(() => new WindowRecorder({ hiddenSize: HIDDEN, dtype: 'q8', isLast: false, nowMs: () => 5 })).toThrow(expect.objectContaining({ code: 'RECEIPT_NOT_IN_Q8', fault: 'user' }));
});
