export type Unsubscribe = () => void;

/** A typed emitter. Listeners run in order of subscription; one that throws does not stop the others. */
export class Events<Map extends object> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<(value: never) => void>>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void = reportLater) {
    this.#onListenerError = onListenerError;
  }

  on<K extends keyof Map>(type: K, listener: (value: Map[K]) => void): Unsubscribe {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<K extends keyof Map>(type: K, value: Map[K]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(value as never);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  /** The first value for which `accept` holds. Rejects with the signal's reason when aborted. */
  once<K extends keyof Map>(type: K, options: { accept?: (value: Map[K]) => boolean; signal?: AbortSignal } = {}): Promise<Map[K]> {
    const { promise, resolve, reject } = Promise.withResolvers<Map[K]>();
    const off = this.on(type, (value) => {
      if (options.accept?.(value) ?? true) resolve(value);
    });
    const abort = (): void => reject(options.signal?.reason);
    if (options.signal?.aborted) abort();
    options.signal?.addEventListener('abort', abort, { once: true });
    return promise.finally(() => {
      off();
      options.signal?.removeEventListener('abort', abort);
    });
  }
}

// A listener's bug must surface as an uncaught exception, but not inside the emitter's stack.
const reportLater = (error: unknown): void => queueMicrotask(() => { throw error; });
