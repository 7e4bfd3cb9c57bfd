import { isCoded, toCoded, type Logger } from '../../base/index.ts';
import type { Call, Hex } from '../../chain/index.ts';
import type { PayBook } from './book.ts';
import type { PayWallet } from './ports.ts';

/** After so many reverts a step is left alone until the next start: something else is wrong. */
const MAX_ATTEMPTS = 5;

export interface StepsInit {
  readonly book: PayBook;
  readonly wallet: PayWallet;
  readonly logger: Logger;
}

/** What is sent to settle. Each step has a name of its own, so that after a restart the outbox goes on with it instead of sending it twice; one that reverted is another step. */
export class Steps {
  readonly #init: StepsInit;

  constructor(init: StepsInit) {
    this.#init = init;
  }

  /** True: it is done. Never rejects. */
  async take(what: string, about: Hex, calls: readonly Call[]): Promise<boolean> {
    const { book, wallet, logger } = this.#init;
    // Accounts may share an outbox.
    const step = `pay/${what}/${about}/${wallet.address.slice(2, 10)}`;
    const attempt = book.attempt(step);
    if (attempt >= MAX_ATTEMPTS) return false;
    try {
      await wallet.send({ id: `${step}/${attempt}`, what, calls });
      return true;
    } catch (error) {
      const { code, message } = toCoded(error);
      if (isCoded(error, 'CHAIN_REVERTED')) book.failed(step);
      logger.warn({ step, code, reason: message }, 'a step of settlement did not go through');
      return false;
    }
  }
}
