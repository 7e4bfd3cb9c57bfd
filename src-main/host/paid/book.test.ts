import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import { PayBook, type BookedShare } from './book.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omninode-pay-book-'));
  path = join(folder, 'pay.db');
});
afterEach(() => rm(folder, { recursive: true }));

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const session = { role: 'node', id: word('1'), chainId: 1, settlement: `0x${'2'.repeat(40)}`, work: word('3'), payer: `0x${'4'.repeat(40)}`, openedMs: 5, state: 'open' } as const;
const share: BookedShare = { sessionId: session.id, workId: session.work, nodeId: word('5'), peer: asPeerId('p'), layers: { first: 1, last: 2 }, price: 10n ** 30n, cap: 7n, tokens: 0 };
const rootOf = (tokens: number): Hex => `0x${tokens.toString(16).padStart(64, '0')}`;
const voucher = (tokens: number) => ({ nodeId: share.nodeId, root: rootOf(tokens), signature: word('6'), path: [word('7')], tokens, receiptsRoot: word('0') });

test('what was written is there again, the best voucher first, and counts never fall', () => {
  const book = new PayBook(path);
  expect(book.begin(session, [share])).toBe(true);
  book.count('node', session.id, new Map([[share.nodeId, 9]]));
  book.count('node', session.id, new Map([[share.nodeId, 4]]));
  for (const tokens of [1, 3, 2]) book.addVoucher('node', session.id, [voucher(tokens)]);
  book.addVoucher('node', session.id, [voucher(3)]);
  book.close();
  const again = new PayBook(path);
  expect(again.sessions('node')).toEqual([{ ...session, score: undefined }]);
  expect(again.shares('node', session.id)).toEqual([{ ...share, tokens: 9 }]);
  expect(again.vouchers('node', session.id, share.nodeId).map(({ tokens }) => tokens)).toEqual([3, 2, 1]);
  again.close();
});

test('a session begins once, and on a node a work belongs to one session', () => {
  const book = new PayBook(path);
  expect(book.begin(session, [share])).toBe(true);
  expect(book.begin(session, [share])).toBe(false);
  expect(book.begin({ ...session, id: word('8') }, [{ ...share, sessionId: word('8') }])).toBe(false);
  expect(book.shares('node', word('8'))).toEqual([]);
  expect(book.begin({ ...session, role: 'payer' }, [share])).toBe(true);
  book.close();
});

test('the score is the mean over the answers, of which one that its owner calls bad counts nothing', () => {
  const book = new PayBook(path);
  book.begin({ ...session, role: 'payer' }, [share]);
  book.begin({ ...session, role: 'payer', id: word('8') }, []);
  const score = () => book.session('payer', session.id)?.score;
  expect(score()).toBeUndefined();
  for (const isWell of [true, true, true, false]) book.answered(session.id, isWell);
  expect(score()).toBe(75n * 10n ** 16n);
  book.rate(session.id, 'one', false);
  book.rate(session.id, 'two', true);
  book.rate(session.id, 'one', false);
  expect(score()).toBe(5n * 10n ** 17n);
  book.rate(session.id, 'one', true);
  expect(score()).toBe(75n * 10n ** 16n);
  book.rate(session.id, 'two', false);
  book.rate(session.id, 'two', null);
  expect(book.sessions('payer').map((one) => one.score)).toEqual([75n * 10n ** 16n, undefined]);
  book.close();
});

test('only the newest vouchers are kept', () => {
  const book = new PayBook(path);
  book.begin(session, [share]);
  for (let tokens = 1; tokens <= 300; tokens++) book.addVoucher('node', session.id, [voucher(tokens)]);
  const kept = book.vouchers('node', session.id, share.nodeId);
  expect([kept.length, kept[0]?.tokens, kept.at(-1)?.tokens]).toEqual([256, 300, 45]);
  book.close();
});

test('receipts are a set, one more than a root can be of, and are forgotten when nobody can doubt them any more', () => {
  const book = new PayBook(path);
  book.begin(session, [share]);
  book.begin({ ...session, role: 'payer' }, [share]);
  book.addReceipts('node', share, [rootOf(9), rootOf(3), rootOf(9)]);
  book.addReceipts('payer', share, [rootOf(3)]);
  expect([book.receipts('node', share), book.receipts('payer', share)]).toEqual([[rootOf(3), rootOf(9)], [rootOf(3)]]);
  expect([book.sessionOfReceipt(rootOf(3)), book.sessionOfReceipt(rootOf(9))]).toEqual([{ sessionId: session.id, nodeId: share.nodeId }, undefined]);
  book.addReceipts('node', share, Array.from({ length: 17_000 }, (_, index) => rootOf(index)));
  expect(book.receipts('node', share).length).toBe(16_385);
  book.setState('node', session.id, 'done');
  expect([book.receipts('node', share), book.receipts('payer', share)]).toEqual([[], [rootOf(3)]]);
  book.close();
});

test('a book of the first version goes on', () => {
  const first = new PayBook(path);
  first.begin(session, [share]);
  first.close();
  const file = new DatabaseSync(path);
  file.exec('DROP TABLE receipt; DROP TABLE rating; ALTER TABLE session DROP COLUMN answers; ALTER TABLE session DROP COLUMN well; PRAGMA user_version = 1');
  file.close();
  const book = new PayBook(path);
  book.addReceipts('node', share, [rootOf(1)]);
  expect([book.sessions('node').length, book.receipts('node', share)]).toEqual([1, [rootOf(1)]]);
  book.close();
});

test('a voucher that was taken is there after kill -9', () => {
  const book = new PayBook(path);
  book.begin(session, [share]);
  book.close();
  const program = `
    import { PayBook } from ${JSON.stringify(new URL('./book.ts', import.meta.url).href)};
    const book = new PayBook(${JSON.stringify(path)});
    for (const voucher of ${JSON.stringify([voucher(1), voucher(2)])}) book.addVoucher('node', ${JSON.stringify(session.id)}, [voucher]);
    process.kill(process.pid, 'SIGKILL');`;
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })).toThrow();
  const again = new PayBook(path);
  expect(again.vouchers('node', session.id, share.nodeId).map(({ tokens }) => tokens)).toEqual([2, 1]);
  again.close();
});

test('a file that is none is told so, and left', async () => {
  await writeFile(path, 'not a database, but longer than the hundred bytes of its header: '.repeat(10));
  expect(() => new PayBook(path)).toThrow(expect.objectContaining({ code: 'PAY_BOOK_DAMAGED' }));
});
