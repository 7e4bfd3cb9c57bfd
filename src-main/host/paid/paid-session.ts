import { hexToBytes, zeroHash } from 'viem';
import { Events, toCoded, type Clock, type CodedError, type LayerRange, type Logger, type PeerId } from '../../base/index.ts';
import { billMessage, type Hex, type SettlementPlace } from '../../chain/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { SignedBy, VerifySignature } from '../../pipeline/index.ts';
import { Gathering } from '../gathering.ts';
import { askPeer } from './ask-peer.ts';
import type { BookedShare, BookedVoucher, PayBook } from './book.ts';
import { AnswerMeter, Meter } from './meter.ts';
import { LEAST_ANSWER_MS, LOOK_MS, OVER_MS, SLOW_TOKEN_MS, SPENT_TOKENS, VOUCH_MS, VOUCH_TOKENS } from './options.ts';
import type { PayChain } from './pay-chain.ts';
import type { PayerTimes } from './payer.ts';
import type { PayWallet } from './ports.ts';
import { payErrors } from './errors.ts';
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
  /** From now to its end, by the chain's clock. */
  readonly durationMs: number;
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
  /** It will not take more; left out, nobody knows. */
  readonly most?: number;
  /** Ends it: the session cannot pay for more of it. */
  readonly fail?: (error: CodedError) => void;
}

export interface PaidSessionEvents {
  /** A voucher could not be signed: the nodes will stop. */
  stuck: CodedError;
  /** It costs more than before. */
  counted: undefined;
  /** Its time is up. */
  over: undefined;
}

interface Followed {
  readonly answer: FollowedAnswer;
  readonly meter: AnswerMeter;
  /** It had all of the session. */
  readonly isFirst: boolean;
  /** By this side: no fault of the nodes. */
  isFailedHere: boolean;
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
  readonly #followed = new Set<Followed>();
  readonly #posts: readonly VoucherPost[];
  readonly #gathering = new Gathering();
  /** Bills are being signed: nothing joins their sets of receipts. */
  #isBilling = false;
  #vouchedMs: number;
  #unvouched = 0;
  #vouching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  readonly #endsMs: number;
  #isOver = false;
  /** In the last look. */
  #counted = 0;

  constructor(init: PaidSessionInit) {
    this.id = init.id;
    this.#init = init;
    this.#times = { vouchTokens: VOUCH_TOKENS, vouchMs: VOUCH_MS, ...init.times };
    this.#meter = new Meter(init.shares);
    const { clock, logger, mesh } = init;
    this.#posts = init.shares.map(({ peer }) => new VoucherPost({ peer, clock, logger, againMs: this.#times.vouchMs, send: (voucher) => askPeer(mesh, peer, { ask: 'voucher', session: this.id, voucher }) }));
    this.#vouchedMs = init.clock.monotonicMs();
    this.#endsMs = this.#vouchedMs + init.durationMs;
  }

  get shares(): readonly BookedShare[] {
    return this.#init.shares;
  }

  /** What it costs so far, 1e-18 SUM. */
  get amount(): bigint {
    return this.#parts().reduce((sum, { share, tokens }) => sum + amountOf(share, tokens), 0n);
  }

  /** What all nodes together may cost, 1e-18 SUM. */
  get most(): bigint {
    return this.shares.reduce((sum, { cap }) => sum + cap, 0n);
  }

  /** Whether an answer that takes so many tokens at most has what it costs, and time, besides those under way. */
  fits(tokens: number): boolean {
    this.#count();
    const wantedMs = Math.min(Math.max(LEAST_ANSWER_MS, tokens * SLOW_TOKEN_MS), this.#init.durationMs / 2);
    return this.#left - this.#promised >= tokens && this.#leftMs >= wantedMs;
  }

  /** Another one like it would have no more room than it has. */
  get isUnused(): boolean {
    return this.amount === 0n && this.#leftMs >= this.#init.durationMs / 2;
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
    const entry: Followed = { answer, meter: new AnswerMeter(this.#meter), isFirst: this.amount === 0n && this.#followed.size === 0, isFailedHere: false };
    this.#followed.add(entry);
    const gathered = answer.signed?.then((signers) => this.#gather(signers));
    return ({ isWell }) => {
      if (!this.#followed.has(entry)) return;
      this.#count();
      this.#followed.delete(entry);
      if (gathered !== undefined) this.#gathering.add(gathered);
      this.#answered(isWell || entry.isFailedHere);
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
    const problem = this.#problem();
    if (problem !== undefined) this.#fail(problem);
    if (this.#leftMs > OVER_MS || this.#isOver) return;
    this.#isOver = true;
    this.events.emit('over', undefined);
  }

  #count(): void {
    this.#counted = 0;
    for (const { answer, meter } of this.#followed) this.#counted += meter.upTo(answer.tokens(), answer.stages());
    this.#unvouched += this.#counted;
    if (this.#counted > 0) this.events.emit('counted', undefined);
  }

  /** Why the answers under way end here, before the nodes cut them off: what is lost then is known, and nobody looks for others. */
  #problem(): CodedError | undefined {
    if (this.#leftMs <= OVER_MS) return payErrors.sessionOver({ minutes: Math.round(this.#init.durationMs / 60_000) });
    // As many as in this look may come before the next; a prompt's rows come no more.
    const isSpent = this.#left < this.#promised && this.#left <= SPENT_TOKENS + 2 * Math.min(this.#counted, VOUCH_TOKENS);
    return isSpent ? payErrors.sessionSpent({ most: `${this.most}`, spent: `${this.amount}`, isTooSmall: this.#followed.size === 1 && [...this.#followed].every(({ isFirst }) => isFirst) }) : undefined;
  }

  #fail(error: CodedError): void {
    for (const entry of [...this.#followed]) {
      entry.isFailedHere = true;
      entry.answer.fail?.(error);
    }
  }

  get #leftMs(): number {
    return this.#endsMs - this.#init.clock.monotonicMs();
  }

  /** Tokens that what was put aside still pays for, of the node that has least. */
  get #left(): number {
    return Math.min(...this.shares.map((share) => tokensIn(share) - this.#meter.tokensOf(share.peer)));
  }

  /** Tokens that the answers under way may take. */
  get #promised(): number {
    return [...this.#followed].reduce((sum, { answer: { most, tokens } }) => sum + (most === undefined ? 0 : Math.max(0, most - tokens())), 0);
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
      // Nothing more is computed for long: it is better said why.
      this.#fail(toCoded(error));
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
