import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { hexToBytes, maxUint256, zeroHash } from 'viem';
import { isCoded, layerCount, type Clock, type CodedError, type LayerRange, type Logger, type PeerId } from '../../base/index.ts';
import { billMessage, decodeError, sessionIdOf, type Hex, type SettlementPlace } from '../../chain/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { Rating } from '../../../src-preload/bridge/index.ts';
import type { VerifySignature } from '../../pipeline/index.ts';
import { askPeer } from './ask-peer.ts';
import type { BookedBill, BookedShare, PayBook } from './book.ts';
import { payErrors } from './errors.ts';
import { nodeIdOf } from './node-id.ts';
import { FEEDBACK_PERIOD_S, MAX_SESSION_NODES, PRICE_TOKENS, SESSION_S } from './options.ts';
import { PaidSession } from './paid-session.ts';
import type { PayChain } from './pay-chain.ts';
import type { PayWallet } from './ports.ts';
import { amountOf, billOf, tokensIn } from './terms.ts';

export interface PayerInit {
  readonly book: PayBook;
  readonly chain: PayChain;
  readonly wallet: PayWallet;
  readonly mesh: Pick<Mesh, 'open' | 'peerId'>;
  readonly verifySignature: VerifySignature;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times?: Partial<PayerTimes>;
}

export interface PayerTimes {
  /** A voucher after so many tokens, or after so long where there are any. */
  readonly vouchTokens: number;
  readonly vouchMs: number;
}

/** What a node asks to be paid. */
export interface Offer {
  readonly peer: PeerId;
  readonly nodeId: Hex;
  /** 1e-18 SUM for 1,000 tokens of one layer. */
  readonly price: bigint;
  readonly credit: number;
}

/** A stage that is to be paid for. */
export interface PaidStage extends Offer {
  readonly layers: LayerRange;
}

export interface OpenPaidRequest {
  readonly stages: readonly PaidStage[];
  /** 1e-18 SUM that all of them may earn at most. */
  readonly upTo: bigint;
  readonly durationS?: bigint;
  readonly signal?: AbortSignal;
}

/** What a session over some stages would cost, 1e-18 SUM. */
export interface Price {
  /** That are paid. */
  readonly machines: number;
  /** Put aside for a session. */
  readonly most: bigint;
  /** Of 1,000 tokens, by all of them together. */
  readonly per1000: bigint;
}

/** Who could compute: for pay, for nothing, or not at all. */
export type Standing = { readonly kind: 'paid'; readonly offer: Offer } | { readonly kind: 'free' } | { readonly kind: 'out'; readonly error: CodedError };

/** The node's view of the chain may be some blocks behind ours. */
const OPEN_TRIES = 8;
const OPEN_WAIT_MS = 1_000;

/** The side that pays: asks prices, leaves out who has no stake, puts SUM aside and opens sessions. docs/protocols/pay.md */
export class Payer {
  readonly #init: PayerInit;
  readonly #live = new Set<Hex>();

  constructor(init: PayerInit) {
    this.#init = init;
  }

  /** What a peer wants for its work, and whether it may be paid: only nodes with the least stake get paid work. Never rejects for what the peer is or says. */
  async standingOf(peer: PeerId): Promise<Standing> {
    try {
      return { kind: 'paid', offer: await this.offerOf(peer) };
    } catch (error) {
      // What the chain's client says of a chain that is down is told in our words.
      return isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED') ? { kind: 'free' } : { kind: 'out', error: isCoded(error) ? error : decodeError(error) };
    }
  }

  /** @throws PAY_OTHER_CHAIN, PAY_NOT_ACTIVE, PAY_BAD_MESSAGE, PAY_SILENT, MESH_PROTOCOL_UNSUPPORTED */
  async offerOf(peer: PeerId): Promise<Offer> {
    const { chain, mesh } = this.#init;
    const { chain: chainId, settlement, node: nodeId, price, credit } = await askPeer(mesh, peer, { ask: 'offer' });
    if (chainId !== chain.network.chainId || settlement !== chain.settlement.toLowerCase()) throw payErrors.otherChain({ peer, chainId, settlement });
    // Its identity is what the contracts know: it cannot offer in another's name.
    if (nodeId !== nodeIdOf(peer)) throw payErrors.badMessage({ peer, reason: 'it names another node' });
    if (!(await chain.isActive(nodeId)) || (await chain.ownerOf(nodeId)) === undefined) throw payErrors.notActive({ peer, nodeId });
    return { peer, nodeId, price, credit };
  }

  /** What a session would cost; opens none. @throws PAY_TOO_MANY_NODES, PAY_TOO_DEAR */
  priceOf(stages: readonly PaidStage[], upTo: bigint): Price {
    const shares = sharesOf(stages, { upTo, sessionId: zeroHash, workId: zeroHash });
    const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, one) => all + one, 0n);
    return { machines: shares.length, most: sum(shares.map(({ cap }) => cap)), per1000: sum(stages.map((stage) => amountOf({ ...stage, cap: maxUint256 }, Number(PRICE_TOKENS)))) };
  }

  /** Whether a session is one of this process, not closed yet. */
  isLive(id: Hex): boolean {
    return this.#live.has(id);
  }

  /** What its owner thinks of one answer of a session; null: nothing any more. It counts for the session's score until that is sent, when the session is final. @throws PAY_NOT_BOOKED, PAY_SCORED, CHAIN_* */
  async rate(id: Hex, answer: string, rating: Rating | null): Promise<void> {
    const { book } = this.#init;
    const booked = book.session('payer', id);
    if (booked === undefined) throw payErrors.notBooked({ session: id });
    if (booked.state === 'done' || await this.#isScored(id)) throw payErrors.scored({ session: id });
    book.rate(id, answer, rating === null ? null : rating === 'good');
  }

  /** Or cannot be any more. */
  async #isScored(id: Hex): Promise<boolean> {
    const { chain } = this.#init;
    const found = await chain.session(id);
    return found !== undefined && (await chain.isScored(id) || await chain.time() >= found.finalAt + FEEDBACK_PERIOD_S);
  }

  /** Keeps a bill that a node signed, wherever it comes from: two of one session are a fault of the node. False: it is not signed by it, or of no session of ours. */
  async witness({ sessionId, nodeId }: { readonly sessionId: Hex; readonly nodeId: Hex }, signed: BookedBill): Promise<boolean> {
    const { book, verifySignature } = this.#init;
    const share = book.shares('payer', sessionId).find((one) => one.nodeId === nodeId);
    if (share === undefined || !await verifySignature(share.peer, billMessage(billOf(share, signed), this.#place), hexToBytes(signed.signature))) return false;
    book.addBill('payer', share, signed);
    // Also of a session that was settled long ago.
    if (book.bills('payer', sessionId, nodeId).length > 1 && !this.isLive(sessionId)) book.setState('payer', sessionId, 'closed');
    return true;
  }

  /** Puts SUM aside on chain, waits until that lasts, and has every node take the session. @throws PAY_TOO_MANY_NODES, PAY_TOO_DEAR, PAY_REFUSED, and what the wallet throws */
  async open({ stages, upTo, durationS = SESSION_S, signal }: OpenPaidRequest): Promise<PaidSession> {
    const { book, chain, wallet, mesh, clock } = this.#init;
    const [salt, workId] = [word(), word()];
    const sessionId = sessionIdOf(this.#place, { payer: wallet.address, salt });
    const shares = sharesOf(stages, { upTo, sessionId, workId });
    this.#live.add(sessionId);
    book.begin({ role: 'payer', id: sessionId, chainId: chain.network.chainId, settlement: chain.settlement, work: workId, payer: wallet.address, openedMs: clock.now(), state: 'opening' }, shares);
    const open = { salt, durationS, nodeIds: shares.map(({ nodeId }) => nodeId), caps: shares.map(({ cap }) => cap) };
    // What was asked of the outbox may come onto the chain later all the same: then it is taken back.
    await wallet.send({ id: `pay/open/${sessionId}`, what: 'paid session', calls: chain.open(open) }, signal).catch((error: unknown) => {
      this.#live.delete(sessionId);
      throw error;
    });
    book.setState('payer', sessionId, 'open');
    const durationMs = await this.#leftMs(sessionId).catch(() => Number(durationS) * 1000);
    const session = new PaidSession({ ...this.#init, place: this.#place, self: mesh.peerId, id: sessionId, shares, durationMs, onClosed: () => this.#live.delete(sessionId) });
    try {
      await session.begin((peer, ask) => this.#untilKnown(() => askPeer(mesh, peer, ask), signal));
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async #leftMs(id: Hex): Promise<number> {
    const { chain } = this.#init;
    const [found, nowS] = await Promise.all([chain.session(id), chain.time()]);
    return found === undefined ? 0 : Number(found.endsAt - nowS) * 1000;
  }

  async #untilKnown(ask: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return void await ask();
      } catch (error) {
        const isUnknown = isCoded(error, 'PAY_REFUSED') && error.meta['code'] === 'PAY_UNKNOWN_SESSION';
        if (!isUnknown || tries >= OPEN_TRIES) throw error;
      }
      await setTimeout(OPEN_WAIT_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  get #place(): SettlementPlace {
    const { chain: { network: { chainId }, settlement } } = this.#init;
    return { chainId, settlement };
  }
}

const word = (): Hex => `0x${randomBytes(32).toString('hex')}`;

/** What is put aside for each: by what its layers cost. @throws PAY_TOO_MANY_NODES, PAY_TOO_DEAR */
export function sharesOf(stages: readonly PaidStage[], { upTo, sessionId, workId }: { readonly upTo: bigint; readonly sessionId: Hex; readonly workId: Hex }): BookedShare[] {
  if (stages.length === 0 || stages.length > MAX_SESSION_NODES) throw payErrors.tooManyNodes({ nodes: stages.length, most: MAX_SESSION_NODES });
  const weights = stages.map(({ layers, price }) => price * BigInt(layerCount(layers)));
  const all = weights.reduce((sum, weight) => sum + weight, 0n);
  return stages.map(({ peer, nodeId, layers, price }, index) => {
    const cap = all === 0n ? 0n : (upTo * (weights[index] ?? 0n)) / all;
    if (cap === 0n || tokensIn({ layers, price, cap }) === 0) throw payErrors.tooDear({ wanted: `${price}`, most: `${upTo}`, nodes: stages.length });
    return { sessionId, workId, nodeId, peer, layers, price, cap, tokens: 0 };
  });
}
