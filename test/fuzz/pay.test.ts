import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, expect, test } from 'vitest';
import { createLogger, Events, ManualClock } from '../../src-main/base/index.ts';
import { voucherTypedData, type Hex } from '../../src-main/chain/index.ts';
import { PayBook } from '../../src-main/host/paid/book.ts';
import { nodeSignerOf } from '../../src-main/host/paid/node-id.ts';
import { PaidServing } from '../../src-main/host/paid/paid-serving.ts';
import type { PayChain } from '../../src-main/host/paid/pay-chain.ts';
import { billOf, payerMark, type Terms } from '../../src-main/host/paid/terms.ts';
import { voucherTree } from '../../src-main/host/paid/vouchers.ts';
import { askSchema, decodeAsk, decodeSay, encode, saySchema, type Ask, type Say } from '../../src-main/host/paid/wire.ts';
import { createSigner } from '../../src-main/mesh/identity/signature.ts';
import type { FrameStream } from '../../src-main/mesh/index.ts';
import { casesOf } from './cases.ts';
import { FUZZ_PEER, ScriptedStream } from './scripted-stream.ts';
import { tried } from './tried.ts';

const RUNS = casesOf(1_500);
const SERVED = casesOf(300);
const home = mkdtempSync(join(tmpdir(), 'omninode-fuzz-pay-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const settlement: Hex = `0x${'5'.repeat(40)}`;
const payer = privateKeyToAccount(word('7'));
const signer = createSigner(await generateKeyPair('Ed25519'));
const node = nodeSignerOf(signer);
const terms: Terms = { sessionId: word('1'), workId: word('2'), nodeId: node.nodeId, layers: { first: 0, last: 2 }, price: 10n ** 18n, cap: 10n ** 20n };

async function voucherOver(tokens: number, receiptsRoot: Hex = word('0')) {
  const { root, paths } = voucherTree([billOf(terms, { tokens, receiptsRoot }), billOf({ ...terms, nodeId: word('9') }, { tokens })], { chainId: 7, settlement });
  return { root, path: [...paths[0]!], tokens, signature: await payer.signTypedData(voucherTypedData({ chainId: 7, settlement }, { sessionId: terms.sessionId, root })) };
}
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

/** Over as soon as this side has ended it. */
class AnsweredStream extends ScriptedStream {
  readonly #answered = Promise.withResolvers<void>();
  readonly answered = this.#answered.promise;

  override close(): Promise<void> {
    this.#answered.resolve();
    return super.close();
  }

  override abort(error: Error): void {
    this.#answered.resolve();
    super.abort(error);
  }
}

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
  const clock = new ManualClock(1_800_000_000_000);
  const book = new PayBook(join(home, 'pay.db'));
  let handler: (stream: FrameStream) => void = () => undefined;
  const chain = {
    network: { chainId: 7 }, settlement, time: () => Promise.resolve(100n), share: (id: Hex) => Promise.resolve({ cap: id === terms.sessionId ? terms.cap : 0n, isClosed: false }),
    session: (id: Hex) => Promise.resolve(id === terms.sessionId ? { payer: payer.address, endsAt: 10_000n, finalAt: 96_400n, nodeIds: [], left: 0n } : undefined),
  } as unknown as PayChain;
  const serving = new PaidServing({
    book, chain, signer: node, price: terms.price, clock, logger: createLogger('silent'), runner: { serving: () => Promise.resolve([]), events: new Events(), cut: () => undefined },
    mesh: { peerId: signer.peerId, handle: (_protocol, _limits, given) => { handler = given; return Promise.resolve(() => undefined); } },
  });
  await serving.start();
  const said = async (frame: Uint8Array): Promise<Say | undefined> => {
    clock.advance(1_000);
    const stream = new AnsweredStream([frame]);
    handler(stream);
    await stream.answered;
    const [answer] = stream.sent;
    return answer === undefined ? undefined : decodeSay(answer, FUZZ_PEER);
  };
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
  await serving.stop();
  book.close();
});
