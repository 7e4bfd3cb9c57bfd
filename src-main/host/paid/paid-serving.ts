import { isCoded, RateLimiter, toCoded, type Clock, type Logger, type PeerId, type Service, type Unsubscribe } from '../../base/index.ts';
import { zeroHash } from 'viem';
import { billMessage, type Hex, type NodeSigner, type SettlementPlace } from '../../chain/index.ts';
import type { FrameStream, Mesh } from '../../mesh/index.ts';
import type { ServedSession, SignedReceipt, StageRunner } from '../../pipeline/index.ts';
import type { BookedShare, PayBook } from './book.ts';
import { payErrors } from './errors.ts';
import { CREDIT_TOKENS, LEAST_LEFT_S, LOOK_MS, MAX_PAID_SESSIONS, PAY_LIMITS, PAY_PROTOCOL, PAY_RATE } from './options.ts';
import type { PayChain } from './pay-chain.ts';
import { receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { Served } from './served.ts';
import { billOf, payerMark, type Terms } from './terms.ts';
import { checkVoucher } from './vouchers.ts';
import { decodeAsk, encode, type Ask, type OpenAsk, type Say } from './wire.ts';

export interface PaidServingInit {
  readonly book: PayBook;
  readonly chain: PayChain;
  readonly mesh: Pick<Mesh, 'handle' | 'peerId'>;
  readonly runner: Pick<StageRunner, 'serving' | 'events' | 'cut'>;
  readonly signer: NodeSigner;
  /** 1e-18 SUM for 1,000 tokens of one layer. */
  readonly price: bigint;
  readonly credit?: number;
  /** Whom this node serves for nothing: members of its private zone. */
  readonly isFree?: (peer: PeerId) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The node that computes for pay: tells its price, takes sessions that are on chain, and stops where the vouchers fall behind what it did. docs/protocols/pay.md */
export class PaidServing implements Service {
  readonly name = 'paid-serving';
  readonly #init: Required<PaidServingInit>;
  readonly #served = new Map<PeerId, Served>();
  readonly #rate: RateLimiter;
  #offs: Unsubscribe[] = [];
  #isLooking = false;

  constructor(init: PaidServingInit) {
    this.#init = { credit: CREDIT_TOKENS, isFree: () => false, ...init };
    this.#rate = new RateLimiter(PAY_RATE, init.clock);
  }

  async start(): Promise<void> {
    const { book, mesh, runner } = this.#init;
    // Who paid for them may come again; until then they are to be settled.
    for (const { id } of book.sessions('node', ['open'])) book.setState('node', id, 'closed');
    const timer = setInterval(() => void this.look(), LOOK_MS).unref();
    this.#offs = [
      () => clearInterval(timer),
      runner.events.on('rows:computed', ({ coordinator, session, rows, layers }) => this.#served.get(coordinator)?.computed(session, rows, layers)),
      runner.events.on('receipts:signed', ({ coordinator, receipts }) => this.#gather(coordinator, receipts)),
      await mesh.handle(PAY_PROTOCOL, PAY_LIMITS, (stream) => void this.#answer(stream)),
    ];
  }

  /** What it counted is kept; sessions are to be settled. */
  stop(): Promise<void> {
    for (const off of this.#offs.splice(0)) off();
    for (const served of [...this.#served.values()]) this.#end(served);
    return Promise.resolve();
  }

  /** Why nothing is computed for a peer, in words; undefined: it is paid for, or nothing is asked of it. */
  refusal(peer: PeerId): string | undefined {
    const { mesh, isFree, clock } = this.#init;
    if (peer === mesh.peerId || isFree(peer)) return undefined;
    const served = this.#served.get(peer);
    return served === undefined ? 'it computes for pay, and nothing was agreed' : served.problem(clock.monotonicMs())?.message;
  }

  /** Counts, and cuts off whom nothing is vouched for. Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { runner, clock, logger } = this.#init;
    try {
      const sessions = await runner.serving();
      this.#cutUnpaid(sessions);
      for (const served of [...this.#served.values()]) {
        served.look(sessions);
        const problem = served.problem(clock.monotonicMs());
        if (problem === undefined) continue;
        this.#keep(served);
        runner.cut(served.init.peer, toCoded(problem));
        if (isCoded(problem, 'PAY_OVER')) this.#end(served);
      }
    } catch (error) {
      logger.warn({ code: toCoded(error).code }, 'paid sessions could not be counted');
    } finally {
      this.#isLooking = false;
    }
  }

  /** A stage outlives the session that paid for it: nothing is computed on it any more. */
  #cutUnpaid(sessions: readonly ServedSession[]): void {
    const { runner } = this.#init;
    for (const peer of new Set(sessions.map(({ coordinator }) => coordinator))) {
      if (this.#served.has(peer) || this.refusal(peer) === undefined) continue;
      runner.cut(peer, payErrors.over({ session: '' }));
    }
  }

  async #answer(stream: FrameStream): Promise<void> {
    const { logger } = this.#init;
    try {
      const { value, done } = await stream[Symbol.asyncIterator]().next();
      if (done === true) return await stream.close();
      await stream.send(encode(await this.#say(value, stream.peer)));
      await stream.close();
    } catch (error) {
      logger.debug({ peer: stream.peer, code: toCoded(error).code }, 'a question about pay came to nothing');
      stream.abort(toCoded(error));
    }
  }

  async #say(frame: Uint8Array, peer: PeerId): Promise<Say> {
    const ask = decodeAsk(frame, peer);
    try {
      if (!this.#rate.take(peer)) throw payErrors.busy({ limit: PAY_RATE.perSecond });
      return await this.#do(ask, peer);
    } catch (error) {
      const { code, message, retryable } = toCoded(error);
      // What went wrong here is nobody else's business.
      return code.startsWith('PAY_') ? { say: 'no', code, reason: message.slice(0, 300), again: retryable } : { say: 'no', code: 'PAY_UNAVAILABLE', reason: 'this node cannot tell now', again: true };
    }
  }

  #do(ask: Ask, peer: PeerId): Say | Promise<Say> {
    switch (ask.ask) {
      case 'offer': return this.#offer();
      case 'open': return this.#open(ask, peer);
      case 'voucher': return this.#voucher(ask, peer);
      case 'bill': return this.#bill(ask, peer);
    }
  }

  #offer(): Say {
    const { chain: { network, settlement }, signer, price, credit } = this.#init;
    return { say: 'offer', chain: network.chainId, settlement, node: signer.nodeId, price, credit };
  }

  async #open(ask: OpenAsk, peer: PeerId): Promise<Say> {
    const { chain, signer, price, credit, clock } = this.#init;
    const { session: sessionId, work: workId, layers: [first, last], voucher } = ask;
    if (ask.price !== price) throw payErrors.otherTerms({ session: sessionId, reason: `the price is ${price}` });
    if (first > last) throw payErrors.otherTerms({ session: sessionId, reason: 'the layers are in no order' });
    const [found, share, nowS] = await Promise.all([chain.session(sessionId), chain.share(sessionId, signer.nodeId), chain.time()]);
    if (found === undefined || share.cap === 0n) throw payErrors.unknownSession({ session: sessionId });
    if (found.endsAt < nowS + LEAST_LEFT_S || share.isClosed) throw payErrors.over({ session: sessionId });
    const terms: Terms = { sessionId, workId, nodeId: signer.nodeId, layers: { first, last }, price, cap: share.cap };
    await checkVoucher(voucher, { terms, place: this.#place, payer: found.payer, vouched: 0, receiptsRoots: [payerMark(peer)] });
    const before = this.#take(terms, { payer: found.payer, peer });
    this.#served.set(peer, new Served({
      terms, payer: found.payer, peer, credit, tokens: before.tokens, vouched: before.vouched, endsMs: clock.monotonicMs() + Number(found.endsAt - nowS) * 1000,
    }));
    return { say: 'yes' };
  }

  /** Books a session, or takes one up again. @throws PAY_WORK_KNOWN, PAY_OTHER_TERMS, PAY_OVER, PAY_BUSY */
  #take(terms: Terms, { payer, peer }: { readonly payer: Hex; readonly peer: PeerId }): { readonly tokens: number; readonly vouched: number } {
    const { book, chain, clock } = this.#init;
    const { sessionId: session, nodeId } = terms;
    if (this.#served.size >= MAX_PAID_SESSIONS && !this.#served.has(peer)) throw payErrors.busy({ limit: MAX_PAID_SESSIONS });
    const former = this.#served.get(peer);
    if (former !== undefined && former.init.terms.sessionId !== session) this.#end(former);
    if (former !== undefined) this.#keep(former);
    const isNew = book.begin({ role: 'node', id: session, chainId: chain.network.chainId, settlement: chain.settlement, work: terms.workId, payer, openedMs: clock.now(), state: 'open' }, [{ ...terms, peer, tokens: 0 }]);
    if (isNew) return { tokens: 0, vouched: 0 };
    const [share] = book.shares('node', session);
    if (share === undefined) throw payErrors.workKnown({ work: terms.workId });
    if (share.peer !== peer || share.workId !== terms.workId || share.layers.first !== terms.layers.first || share.layers.last !== terms.layers.last) throw payErrors.otherTerms({ session, reason: 'they were others when it began' });
    if (book.bills('node', session, nodeId).length > 0) throw payErrors.over({ session });
    book.setState('node', session, 'open');
    return { tokens: share.tokens, vouched: book.vouchers('node', session, nodeId)[0]?.tokens ?? 0 };
  }

  async #voucher({ session, voucher }: Extract<Ask, { ask: 'voucher' }>, peer: PeerId): Promise<Say> {
    const { book } = this.#init;
    const { share, payer } = this.#booked(session, peer);
    const { nodeId } = share;
    // The last one is over the bill that was signed, one that was on its way, or of a payer that did not hear of the bill, over none.
    const receiptsRoots = [...book.bills('node', session, nodeId).map((bill) => bill.receiptsRoot), zeroHash];
    const vouched = book.vouchers('node', session, nodeId)[0]?.tokens ?? 0;
    const receiptsRoot = await checkVoucher(voucher, { terms: share, place: this.#place, payer, vouched, receiptsRoots });
    const { root, signature, path, tokens } = voucher;
    book.addVoucher('node', session, [{ nodeId, root, signature, path, tokens, receiptsRoot }]);
    const served = this.#served.get(peer);
    if (served?.init.terms.sessionId === session) served.vouched = Math.max(served.vouched, tokens);
    return { say: 'yes' };
  }

  /** The one bill of this session: whoever asks again gets the same. From then on nothing is computed for it. */
  async #bill({ session, tokens, receipts }: Extract<Ask, { ask: 'bill' }>, peer: PeerId): Promise<Say> {
    const { book, signer } = this.#init;
    const { share } = this.#booked(session, peer);
    const signed = book.bills('node', session, signer.nodeId)[0];
    if (signed !== undefined) return { say: 'bill', tokens: signed.tokens, receipts: signed.receiptsRoot, signature: signed.signature };
    await this.look();
    const served = this.#served.get(peer);
    const isServed = served?.init.terms.sessionId === session;
    const own = Math.max(share.tokens, isServed ? served.tokens : 0);
    const vouched = book.vouchers('node', session, signer.nodeId)[0]?.tokens ?? 0;
    if (tokens < vouched || own - tokens > this.#init.credit) throw payErrors.notAgreed({ own, told: tokens });
    // From here on nothing joins the set.
    if (isServed) this.#end(served);
    // A root of receipts that it has not gathered itself it does not sign.
    const receiptsRoot = rootOfReceipts(book.receipts('node', share)) === receipts ? receipts : zeroHash;
    const bill = billOf(share, { tokens, receiptsRoot });
    const signature: Hex = `0x${Buffer.from(await signer.sign(billMessage(bill, this.#place))).toString('hex')}`;
    // Another question may have been quicker: what is in the book is what counts.
    if (book.bills('node', session, signer.nodeId).length === 0) book.addBill('node', share, { tokens, receiptsRoot, signature });
    const [kept = { tokens, receiptsRoot, signature }] = book.bills('node', session, signer.nodeId);
    return { say: 'bill', tokens: kept.tokens, receipts: kept.receiptsRoot, signature: kept.signature };
  }

  /** A session that this peer pays, whatever became of it since. @throws PAY_UNKNOWN_SESSION */
  #booked(id: Hex, peer: PeerId): { readonly share: BookedShare; readonly payer: Hex } {
    const [session, share] = [this.#init.book.session('node', id), this.#init.book.shares('node', id)[0]];
    if (session === undefined || share?.peer !== peer) throw payErrors.unknownSession({ session: id });
    return { share, payer: session.payer };
  }

  /** What was signed for a peer belongs to the session that it has now. One that cannot be kept costs the bill its root, nothing else. */
  #gather(peer: PeerId, receipts: readonly SignedReceipt[]): void {
    const served = this.#served.get(peer);
    if (served === undefined) return;
    try {
      this.#init.book.addReceipts('node', served.init.terms, receipts.map(receiptLeaf));
    } catch (error) {
      this.#init.logger.warn({ code: toCoded(error).code }, 'receipts of a paid session could not be kept');
    }
  }

  #keep({ init: { terms }, tokens }: Served): void {
    this.#init.book.count('node', terms.sessionId, new Map([[terms.nodeId, tokens]]));
  }

  #end(served: Served): void {
    const { terms, peer } = served.init;
    this.#keep(served);
    this.#served.delete(peer);
    this.#init.book.setState('node', terms.sessionId, 'closed');
  }

  get #place(): SettlementPlace {
    const { network: { chainId }, settlement } = this.#init.chain;
    return { chainId, settlement };
  }
}
