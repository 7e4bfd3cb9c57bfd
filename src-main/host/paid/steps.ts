import { isCoded, toCoded, type Logger } from '../../base/index.ts';
import type { Call, Hex } from '../../chain/index.ts';
import type { PayBook } from './book.ts';
import type { PayBatch, PayWallet } from './ports.ts';

/** After so many reverts a step is left alone until the next start: something else is wrong. */
const MAX_ATTEMPTS = 5;

export interface StepsInit {
  readonly book: PayBook;
  readonly wallet: PayWallet;
  readonly logger: Logger;
}

/** What is sent to settle. Each step has a name of its own, so that after a restart the outbox goes on with it instead of sending it twice; one that reverted is another step. One that waits, for its owner or for coins, holds up no other. */
export class Steps {
  readonly #init: StepsInit;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(init: StepsInit) {
    this.#init = init;
  }

  /** Begins it, and does not wait for it. True: it is under way since an earlier look, and nothing was begun. */
  take(what: string, about: Hex, calls: readonly Call[]): boolean {
    const { book, wallet } = this.#init;
    // Accounts may share an outbox.
    const step = `pay/${what}/${about}/${wallet.address.slice(2, 10)}`;
    if (this.#underWay.has(step)) return true;
    const attempt = book.attempt(step);
    if (attempt >= MAX_ATTEMPTS || this.#stopped.signal.aborted) return false;
    this.#underWay.set(step, this.#send(step, { id: `${step}/${attempt}`, what, calls, isPatient: true }).finally(() => this.#underWay.delete(step)));
    return false;
  }

  /** Resolves when all that is under way now is over, well or not. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Waits for nothing any more, and begins nothing. What the outbox has stays there. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.idle();
  }

  /** Never rejects. */
  async #send(step: string, batch: PayBatch): Promise<void> {
    const { book, wallet, logger } = this.#init;
    const { signal } = this.#stopped;
    try {
      await wallet.send(batch, signal);
    } catch (error) {
      if (isCoded(error, 'CHAIN_REVERTED')) book.failed(step);
      const { code, message } = toCoded(error);
      // Those are taken up by a later look.
      const isPut = signal.aborted || code === 'WALLET_TOO_MANY_WAITING';
      logger[isPut ? 'debug' : 'warn']({ step, code, reason: message }, 'a step of settlement did not go through');
    }
  }
}
