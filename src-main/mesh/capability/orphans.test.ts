import { beforeEach, expect, it } from 'vitest';
import { asPeerId, Events, ManualClock, type PeerId } from '../../base/index.ts';
import { Author, profileOf } from '../testing/capability.ts';
import { Directory, type DirectoryEvents } from './directory.ts';
import { MAX_TTL_MS, ORPHAN_ASKERS, ORPHAN_SPREAD_MS, ORPHAN_WAIT_MS, SWEEP_MS } from './options.ts';
import { Orphans } from './orphans.ts';

const START = 1_800_000_000_000;
const [centre, left, right] = [await Author.create(), await Author.create(), await Author.create()];
let clock: ManualClock;
let directory: Directory;
let seq: number;

beforeEach(() => {
  clock = new ManualClock(START);
  directory = new Directory({ self: asPeerId('self'), clock, events: new Events<DirectoryEvents>() });
  seq = 0;
  for (const by of [left, right]) tell(by, []);
  tell(centre, [left, right]);
  clock.advance(1);
});

function tell(by: Author, neighbours: readonly Author[], ttlMs = MAX_TTL_MS): void {
  const links = neighbours.map(({ peer }) => ({ peer, rttMs: 1 }));
  expect(directory.take(by.unsigned({ kind: 'ad', profile: { ...profileOf('n'), links } }, { run: START, seq: ++seq, at: clock.now(), ttlMs }))).toBeUndefined();
}
const beat = (by: Author): void => void directory.take(by.unsigned({ kind: 'alive', ad: seq }, { run: START, seq: ++seq, at: clock.now(), ttlMs: MAX_TTL_MS }));

function orphansOf(self: string, neighbours = 1) {
  const doubted: PeerId[] = [];
  const orphans = new Orphans({ self: asPeerId(self), directory, clock, neighbours: () => neighbours, doubt: (peers) => doubted.push(...peers) });
  return { doubted, pass: (ms: number): void => { for (let at = 0; at < ms; at += SWEEP_MS) { clock.advance(SWEEP_MS); orphans.check(); } } };
}

it('doubts who was not heard since all its neighbours were lost, once, and nobody else', () => {
  const { doubted, pass } = orphansOf('self');
  directory.suspect(left.peer);
  pass(ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS);
  expect(doubted).toEqual([]);
  directory.suspect(right.peer);
  pass(ORPHAN_WAIT_MS - SWEEP_MS);
  expect(doubted).toEqual([]);
  pass(ORPHAN_SPREAD_MS + 2 * SWEEP_MS);
  // The directory's owner suspects those that it doubts.
  expect(doubted.slice(0, 1)).toEqual([centre.peer]);
  directory.suspect(centre.peer);
  const { length } = doubted;
  pass(60_000);
  expect(doubted).toHaveLength(length);
});

it.each([
  ['it is heard', () => beat(centre)],
  ['a neighbour is', () => beat(left)],
  ['it was missed already', () => directory.suspect(centre.peer)],
  ['it told of another neighbour', () => tell(centre, [left, right, centre])],
])('doubts it no more when %s', (_, happens) => {
  const { doubted, pass } = orphansOf('self');
  for (const { peer } of [left, right]) directory.suspect(peer);
  pass(SWEEP_MS);
  happens();
  pass(ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS);
  expect(doubted).toEqual([]);
});

it.each([
  ['who told of no neighbours', () => tell(centre, [])],
  ['whose neighbour is not known', () => tell(centre, [left, right, { peer: asPeerId('unknown') } as Author])],
  ['whose beats are frequent', () => tell(centre, [left, right], 13_000)],
])('leaves alone %s', (_, told) => {
  told();
  clock.advance(1);
  const { doubted, pass } = orphansOf('self');
  for (const { peer } of [left, right]) directory.suspect(peer);
  pass(ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS);
  expect(doubted).toEqual([]);
});

it('counts farewells as well as losses, and says nothing while it has no neighbour itself', () => {
  for (const by of [left, right]) directory.take(by.unsigned({ kind: 'bye' }, { run: START, seq: ++seq, at: clock.now() }));
  const [alone, other] = [orphansOf('self', 0), orphansOf('self')];
  alone.pass(ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS + SWEEP_MS);
  expect(alone.doubted).toEqual([]);
  other.pass(ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS + SWEEP_MS);
  expect(other.doubted[0]).toBe(centre.peer);
});

it('of many a few have a turn, each its own', () => {
  const members = 400;
  const view = { orphans: () => new Set([centre.peer]), count: members };
  const turns = Array.from({ length: members }, (_, i) => {
    let atMs: number | undefined;
    const at = new ManualClock(0);
    const orphans = new Orphans({ self: asPeerId(`12D3KooW member ${i}`), directory: view, clock: at, neighbours: () => 1, doubt: () => { atMs ??= at.monotonicMs(); } });
    for (let ms = 0; ms <= ORPHAN_WAIT_MS + ORPHAN_SPREAD_MS; ms += 100) { orphans.check(); at.advance(100); }
    return atMs;
  }).filter((atMs) => atMs !== undefined);
  expect(turns.length).toBeGreaterThan(0);
  expect(turns.length).toBeLessThan(3 * ORPHAN_ASKERS);
  expect(Math.min(...turns)).toBeGreaterThanOrEqual(ORPHAN_WAIT_MS);
  expect(new Set(turns).size).toBeGreaterThan(turns.length / 2);
});
