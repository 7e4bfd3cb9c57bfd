import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ScriptedStream } from '../../../test/fuzz/scripted-stream.ts';
import { node, receipt, settlement, signer, terms, word } from '../../../test/support/pay-server.ts';
import { silentLogger, systemClock } from '../../base/index.ts';
import { billMessage, type Hex } from '../../chain/index.ts';
import { verifySignature } from '../../mesh/index.ts';
import type { SignedBy } from '../../pipeline/index.ts';
import { PayBook } from './book.ts';
import { PaidSession } from './paid-session.ts';
import type { PayChain } from './pay-chain.ts';
import { receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { billOf } from './terms.ts';
import { decodeAsk, encode, type Ask, type Say } from './wire.ts';

const home = mkdtempSync(join(tmpdir(), 'omninode-paid-session-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const ZEROS = word('0');
const place = { chainId: 7, settlement };
const { peerId: peer } = signer;
const payer: Hex = `0x${'4'.repeat(40)}`;
const ROOT = rootOfReceipts([receiptLeaf(receipt(1)), receiptLeaf(receipt(2))]);

/** Answers what is asked, as a node would. */
class AskedStream extends ScriptedStream {
  readonly #frame: PromiseWithResolvers<Uint8Array>;
  readonly #answer: (ask: Ask) => Promise<Say>;

  constructor(answer: (ask: Ask) => Promise<Say>) {
    const frame = Promise.withResolvers<Uint8Array>();
    super([frame.promise]);
    this.#frame = frame;
    this.#answer = answer;
  }

  override send(...parts: readonly Uint8Array[]): Promise<void> {
    void this.#answer(decodeAsk(Buffer.concat(parts), this.peer)).then((say) => this.#frame.resolve(encode(say)));
    return super.send(...parts);
  }
}

/** A session with one node, whose bill is over what `root` makes of what it is asked for. */
function open(name: string, root: (asked: Hex) => Hex) {
  const book = new PayBook(join(home, name));
  const share = { ...terms, peer, tokens: 0 };
  book.begin({ role: 'payer', id: terms.sessionId, chainId: 7, settlement, work: terms.workId, payer, openedMs: 5, state: 'open' }, [share]);
  const asked: Hex[] = [];
  const answer = async (ask: Ask): Promise<Say> => {
    if (ask.ask !== 'bill') return { say: 'yes' };
    asked.push(ask.receipts);
    const receiptsRoot = root(ask.receipts);
    const signature: Hex = `0x${Buffer.from(await node.sign(billMessage(billOf(terms, { tokens: ask.tokens, receiptsRoot }), place))).toString('hex')}`;
    return { say: 'bill', tokens: ask.tokens, receipts: receiptsRoot, signature };
  };
  const init = {
    id: terms.sessionId, durationMs: 3_600_000, place, self: peer, shares: [share], book, chain: {} as PayChain, mesh: { open: () => Promise.resolve(new AskedStream(answer)) }, verifySignature, clock: systemClock, logger: silentLogger,
    wallet: { address: payer, send: () => Promise.resolve(), signVoucher: () => Promise.resolve<Hex>(`0x${'8'.repeat(130)}`) }, onClosed: () => undefined,
  };
  const session = new PaidSession(init);
  return { session, book, asked, vouched: () => book.vouchers('payer', terms.sessionId, terms.nodeId).map(({ tokens, receiptsRoot }) => [tokens, receiptsRoot]), billed: () => book.bills('payer', terms.sessionId, terms.nodeId).map(({ receiptsRoot }) => receiptsRoot) };
}

/** An answer of 50 tokens that is over. */
const answered = (session: PaidSession, signed: Promise<readonly SignedBy[]>): void => session.follow({ tokens: () => 50, stages: () => [{ peer, layers: terms.layers }], signed })({ isWell: true });

test('the end waits for receipts that are on their way, and the bill is over all of them', async () => {
  const { session, asked, vouched, billed, book } = open('late.db', (root) => root);
  const late = Promise.withResolvers<readonly SignedBy[]>();
  answered(session, Promise.resolve([{ peer, receipts: [receipt(1)] }]));
  answered(session, late.promise);
  const closed = session.close();
  expect(asked).toEqual([]);
  late.resolve([{ peer, receipts: [receipt(2), receipt(1)] }]);
  await closed;
  expect([asked, vouched(), billed()]).toEqual([[ROOT], [[100, ROOT]], [ROOT]]);
  expect(rootOfReceipts(book.receipts('payer', terms))).toBe(ROOT);
  book.close();
});

test.each([{ what: 'none', root: () => ZEROS }, { what: 'others', root: () => word('e') }])('a node that signs for $what is paid for none by what was counted here; what it signed is kept', async ({ what, root }) => {
  const { session, asked, vouched, billed, book } = open(`${what}.db`, root);
  answered(session, Promise.resolve([{ peer, receipts: [receipt(1), receipt(2)] }]));
  await session.close();
  expect([asked, vouched(), billed()]).toEqual([[ROOT], [[50, ZEROS]], [root()]]);
  book.close();
});

test('receipts that come when bills are signed are of no bill', async () => {
  const { session, asked, book } = open('later.db', (root) => root);
  const late = Promise.withResolvers<readonly SignedBy[]>();
  const end = session.follow({ tokens: () => 50, stages: () => [{ peer, layers: terms.layers }], signed: late.promise });
  await session.close();
  end({ isWell: true });
  late.resolve([{ peer, receipts: [receipt(1)] }]);
  await late.promise;
  expect([asked, book.receipts('payer', terms)]).toEqual([[ZEROS], []]);
  book.close();
});
