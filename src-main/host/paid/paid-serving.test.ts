import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { FUZZ_PEER } from '../../../test/fuzz/scripted-stream.ts';
import { receipt, signer, startPayServer, terms, voucherOver, word, type PayServer } from '../../../test/support/pay-server.ts';
import { asPeerId, type PeerId, type SessionId } from '../../base/index.ts';
import type { Hex } from '../../chain/index.ts';
import { receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { payerMark } from './terms.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-paid-serving-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const rootOver = (...bytes: readonly number[]): Hex => rootOfReceipts(bytes.map((byte) => receiptLeaf(receipt(byte))));
const ZEROS = word('0');

async function open(name: string): Promise<PayServer> {
  const server = await startPayServer(join(home, name));
  expect(await server.saidTo({ ask: 'open', session: terms.sessionId, work: terms.workId, layers: [0, 2], price: terms.price, voucher: await voucherOver(0, payerMark(FUZZ_PEER)) })).toEqual({ say: 'yes' });
  return server;
}
const bill = ({ saidTo }: PayServer, receipts: Hex) => saidTo({ ask: 'bill', session: terms.sessionId, tokens: 64, receipts });
const voucher = async ({ saidTo }: PayServer, tokens: number, root?: Hex) => (await saidTo({ ask: 'voucher', session: terms.sessionId, voucher: await voucherOver(tokens, root) }))?.say;

test('a bill is over the receipts that were signed since the session began, a restart amid, and nothing joins them afterwards', async () => {
  const before = await startPayServer(join(home, 'restarted.db'));
  // Of nobody that pays.
  before.sign([receipt(9)]);
  await before.stop();
  const first = await open('restarted.db');
  first.sign([receipt(1), receipt(2)]);
  await first.stop();
  const again = await open('restarted.db');
  again.sign([receipt(3), receipt(1)]);
  const root = rootOver(1, 2, 3);
  expect(await bill(again, root)).toMatchObject({ say: 'bill', tokens: 64, receipts: root });
  again.sign([receipt(4)]);
  expect(rootOfReceipts(again.book.receipts('node', terms))).toBe(root);
  // Whoever asks for another one gets the same.
  expect(await bill(again, rootOver(1, 2, 3, 4))).toMatchObject({ say: 'bill', receipts: root });
  await again.stop();
});

test.each([
  { what: 'has not gathered', signed: [1], asked: rootOver(1, 2) }, { what: 'the payer lacks', signed: [1, 2], asked: rootOver(1) },
  { what: 'the payer has none of', signed: [1], asked: ZEROS }, { what: 'nobody signed', signed: [], asked: ZEROS },
])('of receipts that it $what, a node signs zeros', async ({ signed, asked }) => {
  const server = await open(`${signed.length}-${asked.slice(0, 12)}.db`);
  server.sign(signed.map(receipt));
  expect(await bill(server, asked)).toMatchObject({ say: 'bill', tokens: 64, receipts: ZEROS });
  await server.stop();
});

test('a payer that did not hear of the bill pays by a voucher over no receipts, one that did by one over the bill, and by none over others', async () => {
  const server = await open('vouchers.db');
  server.sign([receipt(1)]);
  expect(await voucher(server, 60)).toBe('yes');
  const root = rootOver(1);
  // Before there is a bill.
  expect(await voucher(server, 61, root)).toBe('no');
  expect(await bill(server, root)).toMatchObject({ receipts: root });
  expect([await voucher(server, 62), await voucher(server, 63, rootOver(2)), await voucher(server, 64), await voucher(server, 64, root)]).toEqual(['yes', 'no', 'yes', 'yes']);
  expect(server.book.vouchers('node', terms.sessionId, terms.nodeId).map(({ tokens, receiptsRoot }) => [tokens, receiptsRoot])).toEqual([[64, root], [64, ZEROS], [62, ZEROS], [60, ZEROS]]);
  await server.stop();
});

test('whoever has stages open and pays for none is cut off, also after the bill of what was paid for', async () => {
  const server = await open('unpaid.db');
  const stage = (coordinator: PeerId) => server.open.push({ session: `${server.open.length}`.repeat(32) as SessionId, coordinator, modelHash: 'ab'.repeat(32), openedAt: 1, layers: { first: 0, last: 2 }, rows: 0, runRows: 0 });
  const stranger = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5');
  // What this node computes for itself, and for the payer, is nobody's loss.
  for (const peer of [signer.peerId, FUZZ_PEER, stranger, stranger]) stage(peer);
  // It looks by itself, again and again.
  const cut = async () => {
    server.cuts.splice(0);
    await vi.waitFor(() => expect(server.cuts).not.toEqual([]), { timeout: 30_000 });
    return new Map(server.cuts);
  };
  expect(await cut()).toEqual(new Map([[stranger, 'PAY_OVER']]));
  expect([signer.peerId, FUZZ_PEER].map((peer) => server.serving.refusal(peer))).toEqual([undefined, undefined]);
  expect(await bill(server, ZEROS)).toMatchObject({ say: 'bill' });
  expect(await cut()).toEqual(new Map([[FUZZ_PEER, 'PAY_OVER'], [stranger, 'PAY_OVER']]));
  await server.stop();
});
