export interface FirstOfOptions<T> {
  /** How long the one before may take until the next begins too (as RFC 8305 dials addresses); of each, where it depends on which. */
  readonly headStartMs: number | ((attempt: number) => number);
  readonly signal?: AbortSignal | undefined;
  /** Given what came although another had won: a connection that nobody closes otherwise. */
  readonly discard?: (late: T) => void;
}

/**
 * The first result that is not undefined: attempts begin in order, the next when the one before has failed, found nothing
 * or takes long; the rest is called off. Undefined when none has it; throws the last failure when there was one.
 */
export async function firstOf<T>(attempts: ReadonlyArray<(signal: AbortSignal) => Promise<T | undefined>>, { headStartMs, signal, discard }: FirstOfOptions<T>): Promise<T | undefined> {
  const over = new AbortController();
  const within = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const won = Promise.withResolvers<T>();
  let failure: unknown;
  let isWon = false;
  const take = (result: T | undefined): void => {
    if (result === undefined) return;
    if (isWon || within.aborted) return discard?.(result);
    isWon = true;
    won.resolve(result);
  };
  const begin = (attempt: (signal: AbortSignal) => Promise<T | undefined>): Promise<void> => attempt(within).then(take, (error: unknown) => { failure = error; });
  const none = Symbol('none');
  try {
    const running: Promise<void>[] = [];
    for (const [index, attempt] of attempts.entries()) {
      signal?.throwIfAborted();
      const current = begin(attempt);
      running.push(current);
      const first = await Promise.race([won.promise, current.then(() => none), pause(typeof headStartMs === 'number' ? headStartMs : headStartMs(index))]);
      if (first !== undefined && first !== none) return first as T;
    }
    const last = await Promise.race([won.promise, Promise.all(running).then(() => none)]);
    if (last !== none) return last as T;
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
    return undefined;
  } finally {
    over.abort();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
