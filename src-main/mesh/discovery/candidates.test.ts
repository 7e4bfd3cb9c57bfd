import { beforeEach, expect, test } from 'vitest';
import { asPeerId, ManualClock, type PeerId } from '../../base/index.ts';
import { Candidates } from './candidates.ts';
import { CANDIDATE_DIAL_RATE, DISTRUST_MS, MAX_CANDIDATES, MAX_CANDIDATES_PER_TELLER, MAX_VAIN_TELLS } from './options.ts';

const [honest, liar] = [asPeerId('honest'), asPeerId('liar')];
const peer = (name: string | number): PeerId => asPeerId(`peer${name}`);
const at = (name: string | number, port = 1): string => `/ip4/10.0.0.1/tcp/${port}/p2p/peer${name}`;
const anybody = (): boolean => true;
let clock: ManualClock;
let candidates: Candidates;
beforeEach(() => {
  clock = new ManualClock(1_000_000);
  candidates = new Candidates(clock);
});

test('one teller fills a share and no more; ten of them do not fill what is there for others', () => {
  for (let i = 0; i < 10_000; i += 1) candidates.add({ peer: peer(i), addresses: [at(i)], teller: liar });
  expect(candidates.size).toBe(MAX_CANDIDATES_PER_TELLER);
  for (let teller = 0; teller < 10; teller += 1) for (let i = 0; i < 100; i += 1) candidates.add({ peer: peer(i), addresses: [at(i)], teller: asPeerId(`liar${teller}`) });
  expect(candidates.size).toBe(MAX_CANDIDATES);
  expect(candidates.add({ peer: peer('good'), addresses: [at('good')], teller: honest })).toBe(true);
  expect(candidates.size).toBe(MAX_CANDIDATES);
});

test('who tells of many that are not there is not listened to for an hour; the word of others counts', () => {
  for (let i = 0; i < 30; i += 1) candidates.add({ peer: peer(i), addresses: [at(i)], teller: liar });
  for (let i = 0; i < MAX_VAIN_TELLS; i += 1) {
    const told = candidates.take(anybody);
    expect(told?.teller).toBe(liar);
    candidates.ended(told!, false);
  }
  expect(candidates.size).toBe(0);
  expect(candidates.add({ peer: peer('x'), addresses: [at('x')], teller: liar })).toBe(false);
  expect(candidates.add({ peer: peer('x'), addresses: [at('x')], teller: honest })).toBe(true);
  clock.advance(DISTRUST_MS + 1);
  expect(candidates.add({ peer: peer('y'), addresses: [at('y')], teller: liar })).toBe(true);
});

test('one that was there makes up for those that were not', () => {
  for (let i = 0; i < MAX_VAIN_TELLS; i += 1) candidates.add({ peer: peer(i), addresses: [at(i)], teller: honest });
  for (let i = 0; i < MAX_VAIN_TELLS - 1; i += 1) candidates.ended(candidates.take(anybody)!, false);
  candidates.ended(candidates.take(anybody)!, true);
  expect(candidates.isTrusted(honest)).toBe(true);
});

test('an address is tried once an hour whoever tells of it, and a lie about a peer does not silence the truth', () => {
  candidates.add({ peer: peer('a'), addresses: [at('a', 666)], teller: liar });
  candidates.ended(candidates.take(anybody)!, false);
  expect(candidates.add({ peer: peer('a'), addresses: [at('a', 666)], teller: honest })).toBe(false);
  expect(candidates.add({ peer: peer('a'), addresses: [at('a', 666), at('a', 1)], teller: honest })).toBe(true);
  expect(candidates.take(anybody)?.addresses).toEqual([at('a', 1)]);
  clock.advance(DISTRUST_MS);
  expect(candidates.add({ peer: peer('a'), addresses: [at('a', 666)], teller: honest })).toBe(true);
});

test('dials on hearsay come at a rate; who is here already is not one of them; own finds go first', () => {
  for (let i = 0; i < 30; i += 1) candidates.add({ peer: peer(i), addresses: [at(i)], teller: asPeerId(`teller${i}`) });
  candidates.add({ peer: peer('lan'), addresses: [at('lan')], teller: undefined });
  expect(candidates.take((one) => one !== peer(3))?.peer).toBe(peer('lan'));
  let taken = 1;
  while (candidates.take(anybody) !== undefined) taken += 1;
  expect(taken).toBe(CANDIDATE_DIAL_RATE.burst);
  clock.advance(1000 / CANDIDATE_DIAL_RATE.perSecond);
  expect(candidates.take(anybody)).toBeDefined();
  expect(candidates.take(anybody)).toBeUndefined();
});
