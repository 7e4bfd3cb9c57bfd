import type { BookedSession, BookedShare, BookedVoucher, PayBook } from './book.ts';
import { CLAIM_PERIOD_S, DISTRIBUTION_DELAY_S, PATIENCE_S } from './options.ts';
import type { ChainSession, PayChain } from './pay-chain.ts';
import type { PayWallet } from './ports.ts';
import type { Steps } from './steps.ts';
import { billOf } from './terms.ts';

export interface SettlerInit {
  readonly book: PayBook;
  readonly chain: PayChain;
  readonly wallet: PayWallet;
  readonly steps: Steps;
  /** Seconds for which the other side may do it first. */
  readonly patienceS?: bigint;
}

interface Due {
  readonly session: BookedSession;
  readonly share: BookedShare;
  readonly found: ChainSession;
  readonly nowS: bigint;
}

/** The node's end of settlement: posts the newest voucher where the payer did not, claims when the session is final, credits its reward. Looks at the chain each time, so that it may be stopped anywhere. */
export class NodeSettler {
  readonly #init: Required<SettlerInit>;
  /** Chain time at which a closed session was first seen. */
  readonly #seen = new Map<string, bigint>();

  constructor(init: SettlerInit) {
    this.#init = { patienceS: PATIENCE_S, ...init };
  }

  /** One look at all sessions: begins what is due. Rejects where the chain is not reached. */
  async settle(): Promise<void> {
    const { book, chain } = this.#init;
    const sessions = book.sessions('node', ['open', 'closed']).filter(({ chainId, settlement }) => chainId === chain.network.chainId && settlement === chain.settlement);
    if (sessions.length === 0) return;
    const nowS = await chain.time();
    // The oldest first: what is due of it is late soonest.
    for (const session of sessions.toReversed()) {
      const [share] = book.shares('node', session.id);
      const found = await chain.session(session.id);
      if (share === undefined || found === undefined) continue;
      if (nowS < found.finalAt) await this.#post({ session, share, found, nowS });
      else await this.#collect({ session, share, found, nowS });
    }
  }

  async #post({ session: { id, state }, share: { nodeId }, found, nowS }: Due): Promise<void> {
    const { book, chain, steps, patienceS } = this.#init;
    const [best] = worth(book.vouchers('node', id, nodeId));
    if (best === undefined || (state === 'open' && nowS < found.endsAt)) return;
    const since = this.#seen.get(id) ?? nowS;
    this.#seen.set(id, since);
    const isLate = nowS >= since + patienceS || nowS >= found.endsAt;
    if (isLate && !await chain.isPosted(id, best.root)) steps.take('post', best.root, chain.post(id, best));
  }

  async #collect(due: Due): Promise<void> {
    const { book, chain, wallet, steps } = this.#init;
    const { session: { id }, share, found, nowS } = due;
    const { nodeId } = share;
    // The pay of a node that belongs to another account is that account's to claim, and its reward: the page offers both.
    const isOwn = (await chain.ownerOf(nodeId))?.toLowerCase() === wallet.address.toLowerCase();
    const { isClosed } = await chain.share(id, nodeId);
    if (isClosed) return isOwn ? this.#reward(due) : book.setState('node', id, 'done');
    const standing = await chain.standing(id, nodeId);
    // A claim would be refused: until the ruling, or for good.
    if (standing === 'open') return;
    if (standing === 'upheld') return book.setState('node', id, 'done');
    const voucher = nowS < found.finalAt + CLAIM_PERIOD_S ? await this.#posted(id, worth(book.vouchers('node', id, nodeId))) : undefined;
    if (voucher === undefined) return book.setState('node', id, 'done');
    if (isOwn) steps.take('claim', id, chain.collect(billOf(share, voucher), voucher));
  }

  /** The best of those that are on chain. */
  async #posted(id: BookedSession['id'], vouchers: readonly BookedVoucher[]): Promise<BookedVoucher | undefined> {
    for (const voucher of vouchers) if (await this.#init.chain.isPosted(id, voucher.root)) return voucher;
    return undefined;
  }

  async #reward({ session: { id }, share: { nodeId }, found, nowS }: Due): Promise<void> {
    const { book, chain, steps, patienceS } = this.#init;
    if (await chain.rewardableFee(id) === 0n) return book.setState('node', id, 'done');
    const amount = await chain.allocation(id, nodeId);
    if (amount > 0n) return void steps.take('reward', id, chain.reward(id, nodeId, amount));
    if (await chain.distributed(id) >= found.nodeIds.length) return book.setState('node', id, 'done');
    if (nowS >= found.finalAt + DISTRIBUTION_DELAY_S + patienceS) steps.take('distribute', id, chain.distribute(id, found.nodeIds.length));
  }
}

const worth = (vouchers: readonly BookedVoucher[]): BookedVoucher[] => vouchers.filter(({ tokens }) => tokens > 0);
