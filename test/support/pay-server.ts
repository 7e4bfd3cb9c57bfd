import { generateKeyPair } from '@libp2p/crypto/keys';
import { privateKeyToAccount } from 'viem/accounts';
import { createLogger, Events, ManualClock, type PeerId, type SessionId } from '../../src-main/base/index.ts';
import { voucherTypedData, type Hex } from '../../src-main/chain/index.ts';
import { PayBook } from '../../src-main/host/paid/book.ts';
import { nodeSignerOf } from '../../src-main/host/paid/node-id.ts';
import { PaidServing } from '../../src-main/host/paid/paid-serving.ts';
import type { PayChain } from '../../src-main/host/paid/pay-chain.ts';
import { billOf, type Terms } from '../../src-main/host/paid/terms.ts';
import { voucherTree } from '../../src-main/host/paid/vouchers.ts';
import { decodeSay, encode, type Ask, type Say } from '../../src-main/host/paid/wire.ts';
import { createSigner } from '../../src-main/mesh/identity/signature.ts';
import type { FrameStream } from '../../src-main/mesh/index.ts';
import type { ServedSession, SignedReceipt, StageRunnerEvents } from '../../src-main/pipeline/index.ts';
import { FUZZ_PEER, ScriptedStream } from '../fuzz/scripted-stream.ts';

export const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
export const settlement: Hex = `0x${'5'.repeat(40)}`;
const payer = privateKeyToAccount(word('7'));
export const signer = createSigner(await generateKeyPair('Ed25519'));
export const node = nodeSignerOf(signer);
export const terms: Terms = { sessionId: word('1'), workId: word('2'), nodeId: node.nodeId, layers: { first: 0, last: 2 }, price: 10n ** 18n, cap: 10n ** 20n };

/** As far as sets of receipts look at one. */
export const receipt = (byte: number) => ({ body: Uint8Array.of(byte), signature: new Uint8Array(64).fill(byte) });

/** As the payer signs it over this node's bill and another's. */
export async function voucherOver(tokens: number, receiptsRoot: Hex = word('0')) {
  const { root, paths } = voucherTree([billOf(terms, { tokens, receiptsRoot }), billOf({ ...terms, nodeId: word('9') }, { tokens })], { chainId: 7, settlement });
  return { root, path: [...paths[0]!], tokens, signature: await payer.signTypedData(voucherTypedData({ chainId: 7, settlement }, { sessionId: terms.sessionId, root })) };
}

/** Over as soon as this side has ended it. */
export class AnsweredStream extends ScriptedStream {
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

export interface PayServer {
  readonly book: PayBook;
  readonly serving: PaidServing;
  /** What it answers to a frame; undefined: nothing. */
  readonly said: (frame: Uint8Array) => Promise<Say | undefined>;
  readonly saidTo: (ask: Ask) => Promise<Say | undefined>;
  /** Its stages sign receipts for the one that asks. */
  readonly sign: (receipts: readonly SignedReceipt[]) => void;
  /** What its stages have open. */
  readonly open: ServedSession[];
  /** Whom it cut off, and the code for it. */
  readonly cuts: (readonly [peer: PeerId, code: string])[];
  readonly stop: () => Promise<void>;
}

/** What a node says about pay, with its book there, on a chain that knows one session. */
export async function startPayServer(path: string): Promise<PayServer> {
  const clock = new ManualClock(1_800_000_000_000);
  const book = new PayBook(path);
  const events = new Events<StageRunnerEvents>();
  const open: ServedSession[] = [];
  const cuts: (readonly [PeerId, string])[] = [];
  let handler: (stream: FrameStream) => void = () => undefined;
  const chain = {
    network: { chainId: 7 }, settlement, time: () => Promise.resolve(100n), share: (id: Hex) => Promise.resolve({ cap: id === terms.sessionId ? terms.cap : 0n, isClosed: false }),
    session: (id: Hex) => Promise.resolve(id === terms.sessionId ? { payer: payer.address, endsAt: 10_000n, finalAt: 96_400n, nodeIds: [], left: 0n } : undefined),
  } as unknown as PayChain;
  const serving = new PaidServing({
    book, chain, signer: node, price: terms.price, clock, logger: createLogger('silent'), runner: { serving: () => Promise.resolve(open), events, cut: (peer, { code }) => void cuts.push([peer, code]) },
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
  return {
    book, serving, open, cuts, said, saidTo: (ask) => said(encode(ask)),
    sign: (receipts) => events.emit('receipts:signed', { session: '5e'.repeat(16) as SessionId, coordinator: FUZZ_PEER, receipts }),
    stop: async () => {
      await serving.stop();
      book.close();
    },
  };
}
