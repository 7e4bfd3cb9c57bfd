import { settleRing } from '../trace/settle-ring.ts';
import type { RequestTrace, StageTrace } from '../trace/request-trace.ts';
import type { Generation } from './generation.ts';
import type { Percentiles } from './token-times.ts';

/** One answer under way. */
export interface AnswerProgress {
  /** It has a place on the stages; false: it waits for one, or for stages. */
  readonly isPlaced: boolean;
  readonly tokens: number;
  readonly ttftMs: number | undefined;
  readonly itlMs: Percentiles | undefined;
  /** Since the first token. */
  readonly tokensPerSecond: number | undefined;
}

/** Of an answer under way. */
export function progressOf({ ground, received, startedMs, times: { firstMs, itlMs } }: Generation, nowMs: number): AnswerProgress {
  const spanMs = firstMs === undefined ? 0 : nowMs - firstMs;
  return {
    isPlaced: ground !== undefined, tokens: received, itlMs,
    ttftMs: firstMs === undefined ? undefined : firstMs - startedMs, tokensPerSecond: spanMs > 0 && received > 1 ? ((received - 1) / spanMs) * 1000 : undefined,
  };
}

/** Nothing where no trace was asked for. */
export function traceOf({ request, startedMs, placedMs, reusedTokens, failovers, times }: Generation, endedMs: number, stages: readonly (StageTrace | undefined)[]): { readonly trace?: RequestTrace } {
  if (request.trace !== true) return {};
  return { trace: { startedMs, placedMs, endedMs, promptTokens: request.promptTokens.length, reusedTokens, failovers, tokens: times.heard, stages: settleRing(stages) } };
}
