import { setTimeout } from 'node:timers/promises';

/** A stage that is asked for receipts has as long for each frame of them. */
const MOST_MS = 5_000;

/** Work that comes to its end by itself, soon: whoever wants all of it waits, though not for long. */
export class Gathering {
  readonly #under = new Set<Promise<unknown>>();

  /** One that never rejects. */
  add(work: Promise<unknown>): void {
    this.#under.add(work);
    void work.then(() => this.#under.delete(work));
  }

  /** Resolves when nothing of what is under way now is, or after so long. */
  async settled(mostMs = MOST_MS): Promise<void> {
    if (this.#under.size === 0) return;
    const over = new AbortController();
    const late = setTimeout(mostMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#under), late]);
    over.abort();
  }
}
