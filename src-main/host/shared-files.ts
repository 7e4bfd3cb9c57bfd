import { toCoded, type Logger } from '../base/index.ts';
import type { HostConfig } from './config.ts';
import type { Sharing } from './share-store.ts';

/** Giving files of the store to others, begun anew when its owner changes how. A failure costs the sharing, not the app. */
export class SharedFiles {
  readonly #share: (config: HostConfig) => Promise<Sharing>;
  readonly #logger: Logger;
  #sharing: Sharing | undefined;
  #isStopped = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(share: (config: HostConfig) => Promise<Sharing>, logger: Logger) {
    this.#share = share;
    this.#logger = logger;
  }

  /** Never rejects. */
  change(config: HostConfig): Promise<void> {
    return (this.#turn = this.#turn.then(() => this.#renew(config)).catch((error: unknown) => {
      const { code, message } = toCoded(error);
      this.#logger.warn({ code, message }, 'shards are not shared');
    }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#turn;
    await this.#end();
  }

  async #end(): Promise<void> {
    const ended = this.#sharing;
    this.#sharing = undefined;
    await ended?.stop();
  }

  async #renew(config: HostConfig): Promise<void> {
    await this.#end();
    if (!this.#isStopped) this.#sharing = await this.#share(config);
  }
}
