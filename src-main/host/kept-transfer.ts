import { backoffMs, toCoded, type CodedError, type Logger } from '../base/index.ts';
import { Transfer, type StartTransferOptions } from './transfer.ts';

const RESTART = { firstMs: 1000, maxMs: 60_000 } as const;
/** One that ran for so long did not fail at the start. */
const STEADY_MS = 60_000;

export interface KeptTransferInit {
  readonly options: StartTransferOptions;
  readonly logger: Logger;
  /** It runs again, at other addresses. */
  readonly onRestart: () => void;
}

/** The process that moves shards, started again when it ends without being asked. */
export class KeptTransfer {
  readonly #init: KeptTransferInit;
  #current: Transfer;
  #isStopping = false;
  #waiting: NodeJS.Timeout | undefined;
  #restarting: Promise<void> = Promise.resolve();

  private constructor(first: Transfer, init: KeptTransferInit) {
    this.#current = first;
    this.#init = init;
    this.#watch(0);
  }

  /** Throws as `Transfer.start`. */
  static async start(init: KeptTransferInit): Promise<KeptTransfer> {
    return new KeptTransfer(await Transfer.start(init.options), init);
  }

  get current(): Transfer {
    return this.#current;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#waiting);
    await this.#restarting;
    await this.#current.stop();
  }

  #watch(failures: number): void {
    const beganMs = performance.now();
    void this.#current.closed.then((error) => this.#lost(error, performance.now() - beganMs < STEADY_MS ? failures : 0));
  }

  #lost({ code, message }: CodedError, failures: number): void {
    if (this.#isStopping) return;
    this.#init.logger.warn({ code, message }, 'it is started again');
    this.#waiting = setTimeout(() => { this.#restarting = this.#restart(failures + 1); }, backoffMs(failures, RESTART)).unref();
  }

  async #restart(failures: number): Promise<void> {
    try {
      this.#current = await Transfer.start(this.#init.options);
      this.#watch(failures);
      if (!this.#isStopping) this.#init.onRestart();
    } catch (error) {
      this.#lost(toCoded(error), failures);
    }
  }
}
