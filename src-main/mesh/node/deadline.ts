export interface DeadlineOptions {
  readonly timeoutMs: number;
  /** What the work rejects with when the time is over. */
  readonly error: () => Error;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `work` under a signal that fires at the deadline or with the caller's own signal; leaves no timer behind. */
export async function withDeadline<T>({ timeoutMs, error, signal }: DeadlineOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(error()), timeoutMs);
  const within = signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
  try {
    return await work(within);
  } catch (failure) {
    throw within.aborted ? within.reason : failure;
  } finally {
    clearTimeout(timer);
  }
}
