import { expect, it } from 'vitest';
import { asPeerId } from '../base/index.ts';
import type { Coordinator, MeasureLinksRequest, PeerLink } from '../pipeline/index.ts';
import { roundsOf, surveyLinks, type SurveyedPeer } from './survey-links.ts';

const never = new AbortController().signal;
const peer = (name: string, knowsLinks = true): SurveyedPeer => ({ peer: asPeerId(name), addresses: [`/to/${name}`], knowsLinks });
const link = (to: string, rttMs: number): PeerLink => ({ peer: asPeerId(to), rttMs, bytesPerSecond: undefined, ageMs: 0 });
const survey = (peers: readonly SurveyedPeer[], measureLinks: Coordinator['measureLinks'], more: Partial<Parameters<typeof surveyLinks>[1]> = {}) =>
  surveyLinks(peers, { coordinator: { measureLinks }, isKnown: () => false, budgetMs: 60_000, signal: never, ...more });

it.each([1, 2, 3, 4, 7, 8])('%i players meet each other once, and never two at a time', (count) => {
  const rounds = roundsOf(Array.from({ length: count }, (_, i) => i));
  for (const round of rounds) expect(new Set(round.flat()).size).toBe(2 * round.length);
  const pairs = rounds.flat().map(([a, b]) => [Math.min(a, b), Math.max(a, b)].join('-'));
  expect([pairs.length, new Set(pairs).size]).toEqual([(count * (count - 1)) / 2, (count * (count - 1)) / 2]);
  expect(roundsOf([])).toEqual([]);
});

it('each pair is measured by one of the two, and by the other when that one cannot', async () => {
  const asked: string[] = [];
  const measure = ({ peer: from, to }: MeasureLinksRequest): Promise<readonly PeerLink[]> => {
    asked.push(`${from}>${to[0]!.peer}`);
    if (from === 'b') return Promise.reject(new RangeError('busy'));
    return Promise.resolve(from === 'c' ? [] : [link(to[0]!.peer, 7)]);
  };
  const links = await survey([peer('a'), peer('b'), peer('c'), peer('old', false)], measure);
  const pairs = links.map(({ a, b, rttMs }) => `${a}-${b} ${rttMs}`).toSorted();
  // Neither b nor c could measure the link between them, nor to one that does not know how.
  expect(pairs).toEqual(['a-b 7', 'a-c 7', 'a-old 7']);
  expect(asked.filter((one) => one.startsWith('old'))).toEqual([]);
  expect(new Set(asked).size).toBe(asked.length);
});

it('a peer that tells of times long ago is not believed, and the other one is asked', async () => {
  const measure = ({ peer: from, to }: MeasureLinksRequest): Promise<readonly PeerLink[]> => Promise.resolve([{ ...link(to[0]!.peer, from === 'a' ? 1 : 2), ageMs: from === 'a' ? Number.MAX_SAFE_INTEGER : 0 }]);
  expect(await survey([peer('a'), peer('b')], measure)).toMatchObject([{ a: 'b', b: 'a', rttMs: 2 }]);
});

it('what is known is not measured, and what is not measured in time is left out', async () => {
  const asked: string[] = [];
  const measure = ({ peer: from, to, signal }: MeasureLinksRequest): Promise<readonly PeerLink[]> => {
    asked.push([from, to[0]!.peer].toSorted().join('-'));
    return new Promise((_, reject) => { signal?.addEventListener('abort', () => reject(new RangeError('late'))); });
  };
  const links = await survey([peer('a'), peer('b'), peer('c')], measure, { isKnown: (a, b) => [a, b].includes(asPeerId('c')), budgetMs: 20 });
  expect([links, asked]).toEqual([[], ['a-b']]);
});

it('ends when its caller has enough', async () => {
  await expect(survey([peer('a'), peer('b')], () => Promise.resolve([]), { signal: AbortSignal.abort(new RangeError('enough')) })).rejects.toThrow('enough');
});
