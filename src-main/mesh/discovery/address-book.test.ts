import { beforeEach, expect, test } from 'vitest';
import { asPeerId, ManualClock, type PeerId } from '../../base/index.ts';
import { AddressBook } from './address-book.ts';
import { bookSchema } from './book-schema.ts';
import { BOOK_MAX_AGE_MS, MAX_ADDRESS_FAILURES, MAX_ADDRESSES_PER_PEER, MAX_MET_PEERS, MAX_PROVEN_PEERS } from './options.ts';

const DAY_MS = 24 * 3_600_000;
const peer = (name: string): PeerId => asPeerId(`12D3KooW${name}`);
const at = (name: string, port = 4001): string => `/ip4/10.0.0.1/tcp/${port}/p2p/${peer(name)}`;
let clock: ManualClock;
let book: AddressBook;
let changes: number;
beforeEach(() => {
  changes = 0;
  clock = new ManualClock(100 * DAY_MS);
  book = new AddressBook(clock, () => { changes += 1; });
});
const order = (): PeerId[] => book.best().map((one) => one.peer);

test('who was reached comes before who only came, the lately seen before the long gone, the near before the far', () => {
  book.reached(peer('old'), at('old'));
  clock.advance(10 * DAY_MS);
  for (const name of ['far', 'near', 'missing']) book.reached(peer(name), at(name));
  book.seen(peer('far'), 400);
  book.seen(peer('near'), 1);
  book.missed(peer('missing'));
  book.missed(peer('missing'));
  book.missed(peer('missing'));
  book.told(peer('met'), [{ address: at('met'), proof: 'vouched' }]);
  expect(order()).toEqual(['near', 'far', 'missing', 'old', 'met'].map(peer));
  expect(changes).toBeGreaterThan(0);
});

test('the address that worked is tried first; one that fails goes, the last that ever worked stays', () => {
  book.told(peer('a'), [{ address: at('a', 1), proof: 'said' }]);
  book.reached(peer('a'), at('a', 2));
  expect(book.addressesOf(peer('a'))).toEqual([at('a', 2), at('a', 1)]);
  for (let i = 0; i < MAX_ADDRESS_FAILURES; i += 1) for (const port of [1, 2]) book.missedAt(peer('a'), at('a', port));
  expect(book.addressesOf(peer('a'))).toEqual([at('a', 2)]);
  book.reached(peer('a'), at('a', 3));
  book.missedAt(peer('a'), at('a', 2));
  expect(book.addressesOf(peer('a'))).toEqual([at('a', 3)]);
});

test('a peer that was only told of by itself, and is nowhere, is forgotten', () => {
  book.told(peer('a'), [{ address: at('a'), proof: 'vouched' }]);
  for (let i = 0; i < MAX_ADDRESS_FAILURES; i += 1) book.missedAt(peer('a'), at('a'));
  expect(book.size).toBe(0);
});

test('a claim does not weaken what was proved', () => {
  book.reached(peer('a'), at('a'));
  book.told(peer('a'), [{ address: at('a'), proof: 'said' }]);
  expect(book.get(peer('a'))?.addresses).toEqual([{ address: at('a'), proof: 'dialled', failures: 0 }]);
});

test('ten thousand newcomers push out none that was proved, and the book stays small', () => {
  for (let i = 0; i < 20; i += 1) book.reached(peer(`known${i}`), at(`known${i}`));
  for (let i = 0; i < 10_000; i += 1) book.told(peer(`sybil${i}`), Array.from({ length: 20 }, (_, port) => ({ address: at(`sybil${i}`, port + 1), proof: 'said' })));
  expect(book.size).toBe(20 + MAX_MET_PEERS);
  for (let i = 0; i < 20; i += 1) expect(book.get(peer(`known${i}`))).toBeDefined();
  for (const { addresses } of book.best()) expect(addresses.length).toBeLessThanOrEqual(MAX_ADDRESSES_PER_PEER);
  for (let i = 0; i < 2 * MAX_PROVEN_PEERS; i += 1) book.reached(peer(`more${i}`), at(`more${i}`));
  expect(book.size).toBe(MAX_PROVEN_PEERS + MAX_MET_PEERS);
  expect(bookSchema.safeParse(book.content()).success).toBe(true);
});

test('what was kept comes back, without what is too old or from the future', () => {
  book.reached(peer('old'), at('old'));
  clock.advance(BOOK_MAX_AGE_MS);
  book.reached(peer('a'), at('a'));
  book.seen(peer('a'), 3);
  clock.advance(DAY_MS);
  const later = new AddressBook(clock);
  later.restore(bookSchema.parse(JSON.parse(JSON.stringify(book.content()))));
  expect(later.best()).toEqual([book.get(peer('a'))]);
  const earlier = new AddressBook(new ManualClock(1000));
  earlier.restore(book.content());
  expect(earlier.get(peer('a'))?.seenAt).toBe(1000);
});
