export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor?: number;
  /** Share of the delay that is random, 0..1, so that peers do not retry in step. */
  readonly jitter?: number;
  readonly random?: () => number;
}

/** Delay in ms before attempt `attempt` (0-based): exponential, capped, with jitter. */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const { firstMs, maxMs, factor = 2, jitter = 0.5, random = Math.random } = options;
  const full = Math.min(maxMs, firstMs * factor ** attempt);
  return full * (1 - jitter) + full * jitter * random();
}
