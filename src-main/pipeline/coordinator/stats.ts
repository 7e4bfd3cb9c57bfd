import type { StageStats } from '../wire/schema.ts';
import type { Percentiles } from './token-times.ts';

/** Figures of one stage over one generation. */
export interface StageTiming {
  /** Inside the model code, per answer token. Undefined when the stage computed none. */
  readonly msPerToken: number | undefined;
  readonly prefillMs: number;
  /** From a row's arrival until the engine took it up, per answer token. Undefined when the stage computed none. */
  readonly waitMsPerToken: number | undefined;
  /** As well, all of the prompt's frames together. */
  readonly prefillWaitMs: number;
  /** Rows computed for this answer, prompt included. */
  readonly rows: number;
  /** Undefined when the stage does not report these. */
  readonly flow: StageFlow | undefined;
}

export interface StageFlow {
  /** Rows of all sessions in the passes of this answer over the rows that fit, 0..1. */
  readonly batchFill: number | undefined;
  /** To the next stage, framing included. */
  readonly bytesOut: number;
  /** Most frames, of all sessions, that one of its passes left waiting. */
  readonly mostWaiting: number;
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
  /** Sent over it for the whole answer, framing included; undefined when stage `from` does not report it. */
  readonly bytes: number | undefined;
}

/** What guessing ahead brought; drafts that were not under way when the answer's token came are in none of it. */
export interface SpeculationStats {
  /** Rows that stage 0 computed from guessed tokens. */
  readonly drafted: number;
  /** Guessed tokens that came true. */
  readonly accepted: number;
  /** Rows that the last stage did not compute, because their guess did not come true. */
  readonly dropped: number;
}

export interface GenerationStats {
  readonly promptTokens: number;
  /** Rows of the prompt's micro-batches; undefined when none was sent. */
  readonly microBatch: number | undefined;
  /** Prompt tokens that were still in the stages' KV caches. */
  readonly reusedTokens: number;
  /** Rows computed again because a stage was lost. */
  readonly replayedTokens: number;
  /** How often the answer went on with other stages. */
  readonly failovers: number;
  readonly generatedTokens: number;
  readonly ttftMs: number | undefined;
  /** From the request until a session stood on all stages; undefined when none ever did. */
  readonly queuedMs: number | undefined;
  /**
   * From one token to the next where they are sampled, by the last stage's clock, over the newest 4,096. A reader gets
   * tokens of the lane in handfuls, up to 50 ms apart. Undefined where the last stage does not measure it.
   */
  readonly itlMs: Percentiles | undefined;
  /** Between the first and the last token; undefined with fewer than two. */
  readonly tokensPerSecond: number | undefined;
  /** One per stage; undefined where the stage did not report in time. */
  readonly stages: readonly (StageTiming | undefined)[];
  /** Empty with one stage, or when a stage did not report. */
  readonly boundaries: readonly BoundaryTiming[];
  /** Undefined where the first or the last stage does not report it. */
  readonly speculation: SpeculationStats | undefined;
}

/** What the coordinator itself counted of an answer. */
export interface AnswerCounts {
  readonly promptTokens: number;
  readonly microBatch: number | undefined;
  readonly reusedTokens: number;
  readonly replayedTokens: number;
  readonly failovers: number;
  readonly generatedTokens: number;
  readonly startedMs: number;
  readonly placedMs: number | undefined;
  readonly firstTokenMs: number | undefined;
  readonly lastTokenMs: number | undefined;
  readonly itlMs: Percentiles | undefined;
}

export interface StageReports {
  readonly reports: readonly (StageStats | undefined)[];
  readonly rttsMs: readonly (number | undefined)[];
  readonly batchTokens: number;
}

export function generationStats(counts: AnswerCounts, { reports, rttsMs, batchTokens }: StageReports): GenerationStats {
  const { startedMs, placedMs, firstTokenMs, lastTokenMs, ...rest } = counts;
  const spanMs = firstTokenMs === undefined || lastTokenMs === undefined ? 0 : lastTokenMs - firstTokenMs;
  return {
    ...rest,
    ttftMs: firstTokenMs === undefined ? undefined : firstTokenMs - startedMs,
    queuedMs: placedMs === undefined ? undefined : placedMs - startedMs,
    tokensPerSecond: spanMs > 0 && counts.generatedTokens > 1 ? ((counts.generatedTokens - 1) / spanMs) * 1000 : undefined,
    stages: reports.map((report) => (report === undefined ? undefined : stageTiming(report, batchTokens))),
    boundaries: boundaryTimings(reports, rttsMs),
    speculation: speculationStats(reports),
  };
}

function speculationStats(reports: readonly (StageStats | undefined)[]): SpeculationStats | undefined {
  const [first, last] = [reports[0]?.speculation, reports.at(-1)?.speculation];
  return first === undefined || last === undefined ? undefined : { drafted: first.drafted, accepted: first.accepted, dropped: last.dropped };
}

export const stageTiming = ({ prefill, decode, flow }: StageStats, batchTokens: number): StageTiming => ({
  msPerToken: decode.rows === 0 ? undefined : decode.computeUs / decode.rows / 1000,
  prefillMs: prefill.computeUs / 1000,
  waitMsPerToken: decode.rows === 0 ? undefined : decode.waitUs / decode.rows / 1000,
  prefillWaitMs: prefill.waitUs / 1000,
  rows: prefill.rows + decode.rows,
  flow: flow === undefined ? undefined : {
    batchFill: flow.passes === 0 ? undefined : Math.min(1, flow.passRows / flow.passes / batchTokens), bytesOut: flow.bytesOut, mostWaiting: flow.mostWaiting,
  },
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
  return all.map(({ decode, flow }, from) => {
    const to = (from + 1) % all.length;
    const perToken = (us: number): number => us / Math.max(1, decode.rows) / 1000;
    return { from, to, computeMs: perToken(decode.computeUs), serialiseMs: perToken(decode.serialiseUs), waitMs: perToken(decode.waitUs), wireMs, rttMs: rttsMs[to], bytes: flow?.bytesOut };
  });
}
