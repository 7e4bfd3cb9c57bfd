/** Waits for the signal that ends a command which otherwise goes on; a loss ends it with that error. */
export async function untilAborted(signal: AbortSignal, lost?: Promise<Error>): Promise<void> {
  if (signal.aborted) return;
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const failure = await Promise.race([aborted, ...(lost === undefined ? [] : [lost])]);
  if (failure !== undefined) throw failure;
}
