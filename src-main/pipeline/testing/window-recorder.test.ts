import { expect, it } from 'vitest';
import type { TappedWindow } from '../../inference/index.ts';
import { commit } from '../receipts/commitment.ts';
import { windowFields } from '../receipts/tapped.ts';
import { WindowRecorder } from './window-recorder.ts';

const HIDDEN = 4;
const recorder = (isLast = false, isFirst = false): WindowRecorder => new WindowRecorder({ hiddenSize: HIDDEN, dtype: 'f32', isFirst, isLast });
const all = (stage: WindowRecorder): TappedWindow[] => stage.take({ end: 1000, most: 1000 });

/** Rows whose values say which position and side they are of. */
const valuesAt = (first: number, count: number, side: number): Float32Array => Float32Array.from({ length: count * HIDDEN }, (_, i) => side * (first * HIDDEN + i + 1));
const rowsAt = (first: number, count: number, side: number): Uint8Array => new Uint8Array(valuesAt(first, count, side).buffer);
const pass = (position: number, rows: number) => ({ position, rows, input: rowsAt(position, rows, 1), output: rowsAt(position, rows, -1) });
const shape = (windows: readonly TappedWindow[]): string[] => windows.map(({ first, count }) => `${first}+${count}`);

it('cuts at multiples of 32, whatever passes the rows came in', () => {
  const [one, other] = [recorder(), recorder()];
  one.add(pass(0, 70));
  other.add(pass(0, 20));
  for (let i = 20; i < 70; i++) other.add(pass(i, 1));
  const windows = all(one);
  expect(shape(windows)).toEqual(['0+32', '32+32', '64+6']);
  expect(all(other).map(({ input, output }) => [input, output])).toEqual(windows.map(({ input, output }) => [input, output]));
  expect(windowFields(windows[1] as TappedWindow)).toMatchObject({
    input: { first: 32, count: 32, bytes: commit(valuesAt(32, 32, 1)) }, output: { first: 32, count: 32, bytes: commit(valuesAt(32, 32, -1)) }, inputTokens: null, sampledTokens: null,
  });
});

it('begins a window where the run begins, ends one where it does, and knows only rows that stayed', () => {
  const stage = recorder();
  stage.add(pass(40, 30));
  stage.cut(60);
  stage.add(pass(60, 20));
  expect(shape(stage.take({ end: 70, most: 1 }))).toEqual(['40+24']);
  expect(shape(all(stage))).toEqual(['64+6']);
  expect(all(stage)).toEqual([]);
});

it('keeps the first stage\'s tokens, and the last stage\'s samples with the rows that they are of', () => {
  const first = recorder(false, true);
  first.add({ position: 0, rows: 32, input: Int32Array.from({ length: 32 }, (_, i) => i), output: rowsAt(0, 32, -1) });
  expect(windowFields(all(first)[0] as TappedWindow)).toMatchObject({ input: null, inputTokens: Array.from({ length: 32 }, (_, i) => i) });
  const last = recorder(true);
  last.add({ position: 0, rows: 10, input: rowsAt(0, 10, 1), output: rowsAt(9, 1, -1), sampled: 7 });
  last.add({ position: 10, rows: 1, input: rowsAt(10, 1, 1), output: rowsAt(10, 1, -1), sampled: 8 });
  expect(windowFields(all(last)[0] as TappedWindow)).toMatchObject({ first: 0, count: 11, sampledTokens: [7, 8], input: { count: 11 }, output: { first: 9, count: 2, bytes: commit(valuesAt(9, 2, -1)) } });
  last.add({ position: 0, rows: 2, input: rowsAt(0, 2, 1), output: undefined });
  expect(windowFields(all(last)[0] as TappedWindow)).toMatchObject({ output: null, sampledTokens: [] });
});
