import { afterEach, expect, it } from 'vitest';
import { formatBytes, formatMs, privacyAhead, summarise } from '../stores/format.ts';
import { FINISH, STAGES } from '../../test/support/scripted-host.ts';
import { en } from './en/index.ts';
import { formatNumber, isLanguage, language, LANGUAGES, OFFERED } from './index.ts';

const leavesOf = (tree: object, path = ''): Map<string, unknown> =>
  new Map(Object.entries(tree).flatMap(([key, value]) => (typeof value === 'object' ? [...leavesOf(value, `${path}${key}.`)] : [[`${path}${key}`, value] as const])));

afterEach(() => language.setState({ code: 'en' }));

it('has every text in every language, as a text or as a function of the same values', () => {
  const english = leavesOf(en);
  expect(english.size).toBeGreaterThan(100);
  for (const texts of Object.values(LANGUAGES)) {
    const leaves = leavesOf(texts);
    expect([...leaves.keys()].toSorted()).toEqual([...english.keys()].toSorted());
    for (const [key, value] of leaves) expect(typeof value, key).toBe(typeof english.get(key));
  }
});

it('leaves no empty text and no English in the language of tests', () => {
  for (const [key, value] of leavesOf(LANGUAGES['en-XA'])) {
    // Made of errors that the node makes: test/compliance/error-texts.test.ts.
    if (key.startsWith('errors.') && typeof value === 'function') continue;
    const text = typeof value === 'function' ? String(value('x', 2, 3)) : String(value);
    expect(text, key).toMatch(/^⟦[^a-zA-Z]+⟧$/);
  }
});

it('formats figures in the language that the page is in', () => {
  language.setState({ code: 'en-XA' });
  for (const text of [formatBytes(1_400_000), formatMs(3), summarise(FINISH), privacyAhead(STAGES)?.text]) expect(text).not.toMatch(/[a-zA-Z]/);
});

it('writes numbers as the reader does', () => {
  expect([formatNumber(1234.56, 1), formatNumber(12)]).toEqual(['1,234.6', '12']);
});

it('offers languages that there are', () => {
  for (const code of OFFERED) expect(isLanguage(code)).toBe(true);
  expect([isLanguage('toString'), isLanguage('xx')]).toEqual([false, false]);
});
