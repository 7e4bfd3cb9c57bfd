import type { Asked } from './types.ts';

/** Who waits until it can be answered. */
export class Askers {
  readonly #asking = new Set<Asked>();
  #nobodyAsks = new AbortController();

  /** Aborted when all who ask now have left: their owner is asked no more. */
  get allLeft(): AbortSignal {
    return this.#nobodyAsks.signal;
  }

  /** What `work` gives, for one that asks: whoever leaves waits for nothing. Throws the reason why it left. */
  async wait<T>(asked: Asked, work: () => Promise<T>): Promise<T> {
    const { signal } = asked;
    signal.throwIfAborted();
    if (this.#asking.size === 0) this.#nobodyAsks = new AbortController();
    this.#asking.add(asked);
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      this.#asking.delete(asked);
      left.reject(signal.reason);
      if (this.#asking.size === 0) this.#nobodyAsks.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([work(), left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      this.#asking.delete(asked);
    }
  }
}
