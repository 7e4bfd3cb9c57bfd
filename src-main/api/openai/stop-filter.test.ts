import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StopFilter } from './stop-filter.ts';

const filtered = (pieces: readonly string[], stops: readonly string[]): { given: string[]; isStopped: boolean } => {
  const filter = new StopFilter(stops);
  const given = pieces.map((piece) => filter.push(piece));
  return { given: [...given, filter.end()], isStopped: filter.isStopped };
};

it('ends before a stop text that comes in pieces, and gives out at once what cannot be one', () => {
  expect(filtered(['Hello', ' wor', 'ld\n\n', 'Us', 'er:', ' never'], ['\n\nUser:'])).toEqual({ given: ['Hello', ' wor', 'ld', '', '', '', ''], isStopped: true });
  expect(filtered(['a', '\n', '\nUs', 'eful'], ['\n\nUser:'])).toEqual({ given: ['a', '', '', '\n\nUseful', ''], isStopped: false });
  expect(filtered(['abc', 'ab'], ['abd'])).toEqual({ given: ['abc', '', 'ab'], isStopped: false });
  expect(filtered(['one two'], ['two', 'one'])).toEqual({ given: ['', ''], isStopped: true });
});

it('gives what a whole text up to its first stop would, wherever it is cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}'), maxLength: 40 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}'), minLength: 1, maxLength: 5 });
  fc.assert(fc.property(fc.array(letters, { maxLength: 8 }), fc.array(stop, { maxLength: 4 }), (pieces, stops) => {
    // Of all places at which some stop is complete first, what came before is told at once: the text ends at the earliest one known by then.
    let [text, end] = ['', -1];
    for (const piece of pieces) {
      text += piece;
      end = Math.min(...stops.map((one) => text.indexOf(one)).filter((at) => at >= 0), Infinity);
      if (end !== Infinity) break;
    }
    const { given, isStopped } = filtered(pieces, stops);
    expect(given.join('')).toBe(end === Infinity || end === -1 ? text : text.slice(0, end));
    expect(isStopped).toBe(end !== Infinity && end !== -1);
  }), { numRuns: 2_000, seed: 7 });
});
