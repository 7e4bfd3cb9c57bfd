import { concatHex, keccak256 } from 'viem';
import type { Hex } from '../../chain/index.ts';
import type { BookedSession, BookedShare } from './book.ts';
import { faultsOf } from './evidence.ts';
import type { SettlerInit } from './node-settler.ts';
import { CLAIM_PERIOD_S, DISTRIBUTION_DELAY_S, FEEDBACK_PERIOD_S } from './options.ts';
import type { ChainSession } from './pay-chain.ts';

/** A session that never came onto the chain within this time will not. */
const OPENING_MS = 86_400_000;

export interface PayerSettlerInit extends Omit<SettlerInit, 'patienceS'> {
  /** Of this process, and not closed yet. */
  readonly isLive: (id: Hex) => boolean;
  /** Unix ms. */
  readonly now: () => number;
}

interface Due {
  readonly session: BookedSession;
  readonly found: ChainSession;
  readonly nowS: bigint;
}

/** The payer's end of settlement: posts the last voucher, brings proof of contradicting bills, scores, distributes, takes back what is left. Looks at the chain each time, so that it may be stopped anywhere. */
export class PayerSettler {
  readonly #init: PayerSettlerInit;

  constructor(init: PayerSettlerInit) {
    this.#init = init;
  }

  /** One look at all sessions: begins what is due. Rejects where the chain is not reached. */
  async settle(): Promise<void> {
    const { book, chain } = this.#init;
    const isDue = ({ id, chainId, settlement }: BookedSession): boolean => !this.#init.isLive(id) && chainId === chain.network.chainId && settlement === chain.settlement;
    const sessions = book.sessions('payer', ['opening', 'open', 'closed']).filter(isDue);
    if (sessions.length === 0) return;
    const nowS = await chain.time();
    // The oldest first: what is due of it is late soonest.
    for (const session of sessions.toReversed()) {
      const found = await chain.session(session.id);
      if (found === undefined) this.#forget(session);
      else await this.#one({ session, found, nowS });
    }
  }

  #forget({ id, openedMs }: BookedSession): void {
    if (this.#init.now() - openedMs > OPENING_MS) this.#init.book.setState('payer', id, 'done');
  }

  async #one(due: Due): Promise<void> {
    const { session: { id, state }, found, nowS } = due;
    // Whoever had it open is gone.
    if (state !== 'closed') this.#init.book.setState('payer', id, 'closed');
    if (nowS < found.finalAt) await this.#post(id);
    const isPunishing = await this.#punish(id);
    if (nowS < found.finalAt) return;
    const isScoring = await this.#score(due);
    const isShared = await this.#distribute(due);
    const isBack = await this.#refund(due);
    if (isShared && isBack && !isPunishing && !isScoring) this.#init.book.setState('payer', id, 'done');
  }

  /** True: it waits for its owner or the chain. */
  async #punish(id: Hex): Promise<boolean> {
    const { book, chain, steps } = this.#init;
    let waits = false;
    for (const { nodeId, faultId, proof } of faultsOf(book, id)) {
      if (!await chain.isPunished(faultId) && steps.take('slash', faultId, chain.slash(nodeId, proof))) waits = true;
    }
    return waits;
  }

  async #post(id: Hex): Promise<void> {
    const { book, chain, steps } = this.#init;
    const best = this.#last(book.shares('payer', id));
    if (best !== undefined && !await chain.isPosted(id, best.root)) steps.take('post', best.root, chain.post(id, best));
  }

  /** All nodes' parts of one voucher have its root: the one with most is the last. */
  #last(shares: readonly BookedShare[]): { readonly root: Hex; readonly signature: Hex } | undefined {
    const best = shares.flatMap(({ sessionId, nodeId }) => this.#init.book.vouchers('payer', sessionId, nodeId)[0] ?? []).filter(({ tokens }) => tokens > 0);
    return best.toSorted((a, b) => b.tokens - a.tokens)[0];
  }

  /** True: it waits for its owner or the chain. */
  async #score({ session: { id, score }, found, nowS }: Due): Promise<boolean> {
    const { chain, steps } = this.#init;
    return score !== undefined && nowS < found.finalAt + FEEDBACK_PERIOD_S && !await chain.isScored(id) && steps.take('feedback', id, chain.score(id, score));
  }

  /** True: nothing is left of it. */
  async #distribute({ session: { id }, found, nowS }: Due): Promise<boolean> {
    const { chain, steps } = this.#init;
    if (nowS < found.finalAt + DISTRIBUTION_DELAY_S) return false;
    if (await chain.rewardableFee(id) === 0n || await chain.distributed(id) >= found.nodeIds.length) return true;
    steps.take('distribute', id, chain.distribute(id, found.nodeIds.length));
    return false;
  }

  /** Parts of nodes that committees found wrong. */
  async #refuse({ session: { id }, found }: Due): Promise<void> {
    const { chain, steps } = this.#init;
    for (const nodeId of found.nodeIds) {
      if (await chain.standing(id, nodeId) !== 'upheld' || (await chain.share(id, nodeId)).isClosed) continue;
      steps.take('refuse', keccak256(concatHex([id, nodeId])), chain.refuse(id, nodeId));
    }
  }

  /** Once, when nobody can claim any more. True: nothing is left. */
  async #refund(due: Due): Promise<boolean> {
    const { session: { id }, found, nowS } = due;
    const { chain, steps, book } = this.#init;
    if (found.left === 0n) return true;
    await this.#refuse(due);
    const shares = await Promise.all(found.nodeIds.map((nodeId) => chain.share(id, nodeId)));
    const isOver = nowS >= found.finalAt + CLAIM_PERIOD_S || shares.every(({ isClosed }) => isClosed) || this.#last(book.shares('payer', id)) === undefined;
    if (isOver) steps.take('refund', id, chain.refund(id));
    return false;
  }
}
