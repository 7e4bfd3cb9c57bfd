import { toCoded, type Logger, type Service } from '../../base/index.ts';
import { SETTLE_MS } from './options.ts';
import type { Steps } from './steps.ts';

export interface Settler {
  settle(): Promise<void>;
}

export interface SettlementsInit {
  readonly settlers: readonly Settler[];
  readonly steps: Pick<Steps, 'idle' | 'stop'>;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/** Looks from time to time at what is due to be settled. */
export class Settlements implements Service {
  readonly name = 'settlements';
  readonly #init: SettlementsInit;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(init: SettlementsInit) {
    this.#init = init;
  }

  start(): Promise<void> {
    this.#timer = setInterval(() => void this.look(), this.#init.everyMs ?? SETTLE_MS).unref();
    void this.look();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#init.steps.stop();
    await this.#looking;
  }

  /** Begins what is due, and does not wait for it: `idle` does. Never rejects; a look under way is waited for. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => { this.#looking = undefined; });
    return this.#looking;
  }

  /** Resolves when all that was begun is over, well or not. */
  idle(): Promise<void> {
    return this.#init.steps.idle();
  }

  async #look(): Promise<void> {
    for (const settler of this.#init.settlers) await settler.settle().catch((error: unknown) => this.#init.logger.info({ code: toCoded(error).code }, 'settlement waits for the chain'));
  }
}
