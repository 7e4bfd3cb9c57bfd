import { toCoded, type Logger, type Service } from '../../base/index.ts';
import { SETTLE_MS } from './options.ts';

export interface Settler {
  settle(): Promise<void>;
}

/** Looks from time to time at what is due to be settled. */
export class Settlements implements Service {
  readonly name = 'settlements';
  readonly #init: { readonly settlers: readonly Settler[]; readonly logger: Logger; readonly everyMs?: number };
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(init: { readonly settlers: readonly Settler[]; readonly logger: Logger; readonly everyMs?: number }) {
    this.#init = init;
  }

  start(): Promise<void> {
    this.#timer = setInterval(() => void this.look(), this.#init.everyMs ?? SETTLE_MS).unref();
    void this.look();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Never rejects; a look under way is waited for. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => { this.#looking = undefined; });
    return this.#looking;
  }

  async #look(): Promise<void> {
    for (const settler of this.#init.settlers) await settler.settle().catch((error: unknown) => this.#init.logger.info({ code: toCoded(error).code }, 'settlement waits for the chain'));
  }
}
