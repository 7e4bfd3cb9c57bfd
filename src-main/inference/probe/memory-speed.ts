import { setImmediate } from 'node:timers/promises';

const BLOCK_BYTES = 16 * 1024 * 1024;
const ROUNDS = 6;

/**
 * How fast one thread of this machine copies memory that no cache holds, bytes/s: the first guess at how fast a node decodes, which
 * reads every weight once per token. Takes some 20 ms of this thread, a few at a time: what waits for it runs in between.
 */
export async function measureMemorySpeed(now: () => number): Promise<number> {
  const [from, to] = [Buffer.alloc(BLOCK_BYTES, 1), Buffer.alloc(BLOCK_BYTES, 2)];
  let bestMs = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    await setImmediate();
    const startedMs = now();
    from.copy(to);
    bestMs = Math.min(bestMs, now() - startedMs);
  }
  // Read and written; a clock that is too coarse must not make it endless.
  return (2 * BLOCK_BYTES * 1000) / Math.max(0.1, bestMs);
}
