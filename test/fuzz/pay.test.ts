import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { payerMark } from '../../src-main/host/paid/terms.ts';
import { askSchema, decodeAsk, decodeSay, encode, saySchema, type Ask, type Say } from '../../src-main/host/paid/wire.ts';
import { node, settlement, startPayServer, terms, voucherOver, word } from '../support/pay-server.ts';
import { casesOf } from './cases.ts';
import { FUZZ_PEER } from './scripted-stream.ts';
import { tried } from './tried.ts';

const RUNS = casesOf(1_500);
const SERVED = casesOf(300);
const home = mkdtempSync(join(tmpdir(), 'omninode-fuzz-pay-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const asks: readonly Ask[] = [
  { ask: 'offer' },
  { ask: 'open', session: terms.sessionId, work: terms.workId, layers: [0, 2], price: terms.price, voucher: await voucherOver(0, payerMark(FUZZ_PEER)) },
  { ask: 'voucher', session: terms.sessionId, voucher: await voucherOver(64) },
  { ask: 'bill', session: terms.sessionId, tokens: 64, receipts: word('0') },
];
const says: readonly Say[] = [
  { say: 'offer', chain: 7, settlement, node: node.nodeId, price: 5n, credit: 9 }, { say: 'yes' }, { say: 'bill', tokens: 3, receipts: word('0'), signature: `0x${'8'.repeat(128)}` },
  { say: 'no', code: 'PAY_BEHIND', reason: 'too little is vouched for', again: true },
];

test('what is said is what was meant', () => {
  for (const ask of asks) expect(decodeAsk(encode(ask), FUZZ_PEER)).toEqual(ask);
  for (const say of says) expect(decodeSay(encode(say), FUZZ_PEER)).toEqual(say);
});

test(`${RUNS} damaged frames of each side are read as what they say or refused as the peer's fault`, async () => {
  const readAsk = (bytes: Buffer): void => void expect(encode(decodeAsk(bytes, FUZZ_PEER)).length).toBeGreaterThan(0);
  const readSay = (bytes: Buffer): void => void expect(encode(decodeSay(bytes, FUZZ_PEER)).length).toBeGreaterThan(0);
  expect(await tried({ samples: asks.map(encode), seed: 51, runs: RUNS }, readAsk)).toBeGreaterThan(RUNS / 2);
  expect(await tried({ samples: says.map(encode), seed: 52, runs: RUNS }, readSay)).toBeGreaterThan(RUNS / 2);
  expect([askSchema.safeParse({ ask: 'offer', more: 1 }).success, saySchema.safeParse({ say: 'yes', more: 1 }).success]).toEqual([false, false]);
});

test(`${SERVED} damaged questions make a node neither fail, nor work for less, nor sign twice`, async () => {
  const { book, serving, said, stop } = await startPayServer(join(home, 'pay.db'));
  expect(serving.refusal(FUZZ_PEER)).toBeTypeOf('string');
  for (const ask of asks.slice(0, 3)) expect(await said(encode(ask))).not.toMatchObject({ say: 'no' });
  expect(serving.refusal(FUZZ_PEER)).toBeUndefined();
  const bills = new Set<string>();
  await tried({ samples: asks.map(encode), seed: 53, runs: SERVED }, async (bytes) => {
    const say = await said(bytes);
    if (say?.say === 'bill') bills.add(JSON.stringify(say));
  });
  expect(bills.size).toBeLessThanOrEqual(1);
  const best = book.vouchers('node', terms.sessionId, node.nodeId);
  expect(best.map(({ tokens }) => tokens)).toEqual([64]);
  expect(book.sessions('node').map(({ id }) => id)).toEqual([terms.sessionId]);
  await stop();
});
