import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fuzzyPick, fuzzyScore } from './fuzzy.ts';

const PLACES = ['Chat', 'Network', 'Settings: Appearance', 'Settings: Local API', 'New chat', 'Export this conversation as JSON', 'Theme: dark', 'Café notes'];
const first = (typed: string) => fuzzyPick(typed, PLACES, (text) => text)[0];

it('finds what is meant by few letters', () => {
  expect([first('set app'), first('sapi'), first('dark'), first('ej'), first('cafe'), first('nch'), first('NETW')]).toEqual(['Settings: Appearance', 'Settings: Local API', 'Theme: dark', 'Export this conversation as JSON', 'Café notes', 'New chat', 'Network']);
  expect(fuzzyPick('zzz', PLACES, (text) => text)).toEqual([]);
  expect(fuzzyPick(' ', PLACES, (text) => text)).toEqual(PLACES);
});

it('takes the letters in their order, and every text for itself', () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z ]{1,30}$/), (text) => {
    expect(fuzzyScore(text, text)).toBeDefined();
    const kept = [...text].filter((_, index) => index % 3 === 0).join('');
    expect(fuzzyScore(kept, text)).toBeDefined();
    expect(fuzzyScore(`${text}#`, text)).toBeUndefined();
  }));
});
