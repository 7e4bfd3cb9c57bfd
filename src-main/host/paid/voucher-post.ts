import { toCoded, type Clock, type Logger, type PeerId } from '../../base/index.ts';
import type { VoucherPart } from './wire.ts';

export interface VoucherPostInit {
  readonly peer: PeerId;
  readonly send: (voucher: VoucherPart) => Promise<unknown>;
  /** After one that was not taken. */
  readonly againMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Brings one node the newest voucher, one at a time: a node that is slow or gone holds up no other, and gets only what is newest. */
export class VoucherPost {
  readonly #init: VoucherPostInit;
  #newest: VoucherPart | undefined;
  #taken: VoucherPart | undefined;
  #sending: Promise<void> | undefined;
  #failedMs = -Infinity;

  constructor(init: VoucherPostInit) {
    this.#init = init;
  }

  /** Resolves when nothing is under way: taken, or not. */
  post(voucher: VoucherPart): Promise<void> {
    this.#newest = voucher;
    return this.#send();
  }

  /** Tries again what was not taken. */
  retry(): void {
    if (this.#newest !== this.#taken && this.#init.clock.monotonicMs() - this.#failedMs >= this.#init.againMs) void this.#send();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#loop().finally(() => { this.#sending = undefined; });
    return this.#sending;
  }

  async #loop(): Promise<void> {
    const { peer, send, clock, logger } = this.#init;
    while (this.#newest !== undefined && this.#newest !== this.#taken) {
      const voucher = this.#newest;
      try {
        await send(voucher);
        this.#taken = voucher;
      } catch (error) {
        this.#failedMs = clock.monotonicMs();
        // One that is gone claims with an older one, or with this once it is posted.
        logger.debug({ peer, code: toCoded(error).code }, 'a node did not take a voucher');
        if (voucher === this.#newest) return;
      }
    }
  }
}
