export interface Waiting {
  /** Told while all places are taken: how many wait before this one. */
  readonly onWait: (ahead: number) => void;
  readonly signal: AbortSignal | undefined;
}

interface Entry {
  readonly wake: () => void;
  readonly onWait: (ahead: number) => void;
}

/** Who waits for a session, first come first served; each is told how many are ahead. */
export class SessionQueue {
  readonly #waiting: Entry[] = [];
  readonly #onChange: (by: number) => void;

  /** `onChange` hears by how many the queue grew. */
  constructor(onChange: (by: number) => void = () => undefined) {
    this.#onChange = onChange;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is this one's turn to try; who tried in vain goes in front again. Rejects with the signal's reason. */
  wait({ onWait, signal }: Waiting, place: 'front' | 'end'): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry: Entry = { wake: resolve, onWait };
    const onAbort = (): void => {
      this.#remove(entry);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.splice(place === 'front' ? 0 : this.#waiting.length, 0, entry);
    this.#onChange(1);
    this.#tell(place === 'front' ? 0 : this.#waiting.length - 1);
    if (signal?.aborted === true) onAbort();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Something was given back: the first may try. */
  next(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#remove(first);
    first.wake();
  }

  /** Everybody tries: nothing will be given back any more. */
  all(): void {
    while (this.#waiting.length > 0) this.next();
  }

  #remove(entry: Entry): void {
    const at = this.#waiting.indexOf(entry);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#onChange(-1);
    this.#tell(at);
  }

  #tell(from: number): void {
    this.#waiting.slice(from).forEach(({ onWait }, i) => onWait(from + i));
  }
}
