import type { StageStats } from '../wire/schema.ts';

/** Times of one stage over one generation. */
export interface StageTiming {
  /** Inside the model code, per answer token. Undefined when the stage computed none. */
  readonly msPerToken: number | undefined;
  readonly prefillMs: number;
}

/** What one boundary costs per answer token, between stage `from` and the next one round the ring. */
export interface BoundaryTiming {
  readonly from: number;
  readonly to: number;
  /** Stage `from`: computing, per token. */
  readonly computeMs: number;
  /** Stage `from`: reading, checking and writing frames, and the way to its engine and back. */
  readonly serialiseMs: number;
  /** Stage `from`: from the frame's arrival in the queue until the engine took it up. */
  readonly waitMs: number;
  /** Mean over the ring's boundaries: time round minus what the stages spent. */
  readonly wireMs: number;
  /** Round trip of the coordinator's last ping to stage `to`, where measured. */
  readonly rttMs: number | undefined;
}

export interface GenerationStats {
  readonly promptTokens: number;
  /** Prompt tokens that were still in the stages' KV caches. */
  readonly reusedTokens: number;
  /** Rows computed again because a stage was lost. */
  readonly replayedTokens: number;
  /** How often the answer went on with other stages. */
  readonly failovers: number;
  readonly generatedTokens: number;
  readonly ttftMs: number | undefined;
  /** Between the first and the last token; undefined with fewer than two. */
  readonly tokensPerSecond: number | undefined;
  /** One per stage; undefined where the stage did not report in time. */
  readonly stages: readonly (StageTiming | undefined)[];
  /** Empty with one stage, or when a stage did not report. */
  readonly boundaries: readonly BoundaryTiming[];
}

export const stageTiming = ({ prefill, decode }: StageStats): StageTiming => ({
  msPerToken: decode.frames === 0 ? undefined : decode.computeUs / decode.rows / 1000,
  prefillMs: prefill.computeUs / 1000,
});

/**
 * Clocks of different nodes are never compared: stage 0 measures whole rounds with its
 * own clock and subtracts the durations that the other stages measured with theirs.
 */
export function boundaryTimings(stages: readonly (StageStats | undefined)[], rttsMs: readonly (number | undefined)[]): BoundaryTiming[] {
  const all = stages.filter((stage) => stage !== undefined);
  const ring = all[0]?.ring;
  if (all.length < 2 || all.length !== stages.length || ring === undefined || ring.count === 0) return [];
  const wireMs = Math.max(0, ring.totalUs - ring.insideUs) / ring.count / all.length / 1000;
  return all.map(({ decode }, from) => {
    const to = (from + 1) % all.length;
    const perToken = (us: number): number => us / Math.max(1, decode.rows) / 1000;
    return { from, to, computeMs: perToken(decode.computeUs), serialiseMs: perToken(decode.serialiseUs), waitMs: perToken(decode.waitUs), wireMs, rttMs: rttsMs[to] };
  });
}
