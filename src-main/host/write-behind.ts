/** Has something written now and then while it changes, one write after the other, and when it is over. `write` never rejects. */
export class WriteBehind {
  readonly #write: () => Promise<void>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();
  #isDue = false;

  /** A crash costs what changed within `everyMs`. */
  constructor(write: () => Promise<void>, everyMs: number) {
    this.#write = write;
    this.#everyMs = everyMs;
  }

  changed(): void {
    this.#isDue = true;
    this.#timer ??= setTimeout(() => void this.flush(), this.#everyMs).unref();
  }

  /** Resolves when all that changed is written, or could not be. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isDue) this.#written = this.#written.then(this.#write);
    this.#isDue = false;
    return this.#written;
  }
}
