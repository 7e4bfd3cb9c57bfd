import { hexToBytes, zeroHash } from 'viem';
import { Events, toCoded, type Clock, type CodedError, type LayerRange, type Logger, type PeerId } from '../../base/index.ts';
import { billMessage, type Hex, type SettlementPlace } from '../../chain/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { SignedBy, VerifySignature } from '../../pipeline/index.ts';
import { Gathering } from '../gathering.ts';
import { askPeer } from './ask-peer.ts';
import type { BookedShare, BookedVoucher, PayBook } from './book.ts';
import { AnswerMeter, Meter } from './meter.ts';
import { LOOK_MS, VOUCH_MS, VOUCH_TOKENS } from './options.ts';
import type { PayChain } from './pay-chain.ts';
import type { PayerTimes } from './payer.ts';
import type { PayWallet } from './ports.ts';
import { receiptLeaf, rootOfReceipts } from './receipt-set.ts';
import { amountOf, billOf, payerMark, tokensIn } from './terms.ts';
import { VoucherPost } from './voucher-post.ts';
import { voucherTree } from './vouchers.ts';
import type { Ask, VoucherPart } from './wire.ts';

export interface PaidSessionInit {
  readonly id: Hex;
  readonly place: SettlementPlace;
  readonly self: PeerId;
  readonly shares: readonly BookedShare[];
  readonly book: PayBook;
  readonly chain: PayChain;
  readonly wallet: PayWallet;
  readonly mesh: Pick<Mesh, 'open'>;
  readonly verifySignature: VerifySignature;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times?: Partial<PayerTimes>;
  readonly onClosed: () => void;
}

/** An answer that is paid for, as the payer itself sees it. */
export interface FollowedAnswer {
  /** What the stages computed for it so far. */
  readonly tokens: () => number;
  /** Those that stand now. */
  readonly stages: () => readonly { readonly peer: PeerId; readonly layers: LayerRange }[];
  /** What they signed of it, some time after its end. Never rejects. */
  readonly signed?: Promise<readonly SignedBy[]>;
}

export interface PaidSessionEvents {
  /** A voucher could not be signed: the nodes will stop. */
  stuck: CodedError;
}

interface Part {
  readonly share: BookedShare;
  readonly tokens: number;
  readonly receiptsRoot: Hex;
}

type AskNode = (peer: PeerId, ask: Ask) => Promise<unknown>;

/** One paid session of the payer's, from its first voucher to its last. Vouchers grow with what this side saw the nodes do, never beyond what was put aside. */
export class PaidSession {
  readonly id: Hex;
  readonly events = new Events<PaidSessionEvents>();
  readonly #init: PaidSessionInit;
  readonly #times: PayerTimes;
  readonly #meter: Meter;
  readonly #followed = new Set<{ readonly answer: FollowedAnswer; readonly meter: AnswerMeter }>();
  readonly #posts: readonly VoucherPost[];
  readonly #gathering = new Gathering();
  /** Bills are being signed: nothing joins their sets of receipts. */
  #isBilling = false;
  #vouchedMs: number;
  #unvouched = 0;
  #vouching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(init: PaidSessionInit) {
    this.id = init.id;
    this.#init = init;
    this.#times = { vouchTokens: VOUCH_TOKENS, vouchMs: VOUCH_MS, ...init.times };
    this.#meter = new Meter(init.shares);
    const { clock, logger, mesh } = init;
    this.#posts = init.shares.map(({ peer }) => new VoucherPost({ peer, clock, logger, againMs: this.#times.vouchMs, send: (voucher) => askPeer(mesh, peer, { ask: 'voucher', session: this.id, voucher }) }));
    this.#vouchedMs = init.clock.monotonicMs();
  }

  get shares(): readonly BookedShare[] {
    return this.#init.shares;
  }

  /** What it costs so far, 1e-18 SUM. */
  get amount(): bigint {
    return this.#parts().reduce((sum, { share, tokens }) => sum + amountOf(share, tokens), 0n);
  }

  /** The first voucher, over nothing: it shows every node who pays, and for which peer. */
  async begin(ask: AskNode): Promise<void> {
    const parts = this.shares.map((share): Part => ({ share, tokens: 0, receiptsRoot: payerMark(this.#init.self) }));
    const signed = await this.#sign(parts);
    await Promise.all(this.shares.map((share, index) => ask(share.peer, {
      ask: 'open', session: this.id, work: share.workId, layers: [share.layers.first, share.layers.last], price: share.price, voucher: signed[index] as VoucherPart,
    })));
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Counts an answer until the returned function is called with how it ended. */
  follow(answer: FollowedAnswer): (end: { readonly isWell: boolean }) => void {
    const entry = { answer, meter: new AnswerMeter(this.#meter) };
    this.#followed.add(entry);
    const gathered = answer.signed?.then((signers) => this.#gather(signers));
    return ({ isWell }) => {
      if (!this.#followed.has(entry)) return;
      this.#count();
      this.#followed.delete(entry);
      if (gathered !== undefined) this.#gathering.add(gathered);
      this.#answered(isWell);
    };
  }

  /** Has every node sign its bill, signs the last voucher over these, and keeps what is to be settled. Never rejects. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close().catch((error: unknown) => this.#init.logger.warn({ code: toCoded(error).code }, 'a paid session did not end in agreement; its newest voucher is what counts')).finally(() => {
      const { book } = this.#init;
      book.setState('payer', this.id, 'closed');
      this.#init.onClosed();
    }));
  }

  /** As if the process had gone: nothing more is vouched for. */
  abandon(): void {
    clearInterval(this.#timer);
    this.#closing ??= Promise.resolve();
  }

  #gather(signers: readonly SignedBy[]): void {
    const { book, logger } = this.#init;
    if (this.#isBilling) return;
    try {
      for (const { peer, receipts } of signers) for (const share of this.shares) if (share.peer === peer) book.addReceipts('payer', share, receipts.map(receiptLeaf));
    } catch (error) {
      // The node's root is another one then, and it signs zeros.
      logger.warn({ code: toCoded(error).code }, 'receipts of a paid session could not be kept');
    }
  }

  // One that ends when the book is closed already counts for nothing.
  #answered(isWell: boolean): void {
    try {
      this.#init.book.answered(this.id, isWell);
    } catch (error) {
      this.#init.logger.info({ code: toCoded(error).code }, 'how an answer ended is not kept');
    }
  }

  #look(): void {
    this.#count();
    const isDue = this.#unvouched >= this.#times.vouchTokens || (this.#unvouched > 0 && this.#init.clock.monotonicMs() - this.#vouchedMs >= this.#times.vouchMs);
    if (isDue) void this.#vouch();
    for (const post of this.#posts) post.retry();
  }

  #count(): void {
    for (const { answer, meter } of this.#followed) this.#unvouched += meter.upTo(answer.tokens(), answer.stages());
  }

  #parts(): Part[] {
    return this.shares.map((share) => ({ share, tokens: Math.min(this.#meter.tokensOf(share.peer), tokensIn(share)), receiptsRoot: zeroHash }));
  }

  #vouch(): void {
    if (this.#vouching !== undefined || this.#closing !== undefined) return;
    this.#unvouched = 0;
    this.#vouchedMs = this.#init.clock.monotonicMs();
    this.#vouching = this.#sign(this.#parts()).then((signed) => void this.#tell(signed)).catch((error: unknown) => {
      this.#init.logger.warn({ code: toCoded(error).code }, 'no voucher for a paid session');
      this.events.emit('stuck', toCoded(error));
    }).finally(() => { this.#vouching = undefined; });
  }

  /** One signature for all nodes; in the book before anybody hears of it. */
  async #sign(parts: readonly Part[]): Promise<VoucherPart[]> {
    const { book, wallet, place } = this.#init;
    const bills = parts.map(({ share, ...counted }) => billOf(share, counted));
    const { root, paths } = voucherTree(bills, place);
    const signature = await wallet.signVoucher({ ...place, sessionId: this.id, root, amount: bills.reduce((sum, { amount }) => sum + amount, 0n) });
    const vouchers = parts.map(({ share: { nodeId }, tokens, receiptsRoot }, index): BookedVoucher & { nodeId: Hex } => ({ nodeId, root, signature, path: paths[index] ?? [], tokens, receiptsRoot }));
    book.addVoucher('payer', this.id, vouchers);
    book.count('payer', this.id, new Map(parts.map(({ share: { nodeId }, tokens }) => [nodeId, tokens])));
    return vouchers.map(({ path, tokens }) => ({ root, signature, path: [...path], tokens }));
  }

  async #tell(signed: readonly VoucherPart[]): Promise<void> {
    await Promise.all(this.#posts.map((post, index) => post.post(signed[index] as VoucherPart)));
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#vouching;
    this.#count();
    this.#followed.clear();
    await this.#gathering.settled();
    this.#isBilling = true;
    const parts = this.#parts();
    if (parts.every(({ tokens }) => tokens === 0)) return;
    const agreed = await Promise.all(parts.map((part) => this.#billed(part)));
    await this.#tell(await this.#sign(agreed));
  }

  /** What the node signed, where that is no more than this side saw, and over its own receipts or none; else what this side saw. Each signed bill is kept: two of one session are a fault. */
  async #billed(part: Part): Promise<Part> {
    const { mesh, book, place, verifySignature, logger } = this.#init;
    const { share, tokens } = part;
    const own = rootOfReceipts(book.receipts('payer', share));
    try {
      const { tokens: told, receipts, signature } = await askPeer(mesh, share.peer, { ask: 'bill', session: this.id, tokens, receipts: own });
      const bill = billOf(share, { tokens: told, receiptsRoot: receipts });
      if (!await verifySignature(share.peer, billMessage(bill, place), hexToBytes(signature))) return part;
      book.addBill('payer', share, { tokens: told, receiptsRoot: receipts, signature });
      return told <= tokens && (receipts === own || receipts === zeroHash) ? { share, tokens: told, receiptsRoot: receipts } : part;
    } catch (error) {
      logger.info({ peer: share.peer, code: toCoded(error).code }, 'a node did not sign its bill; it is paid by what was counted here');
      return part;
    }
  }
}
