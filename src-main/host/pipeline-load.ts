import type { PipelineLoad } from '../api/index.ts';
import type { PipelineActivity, Stage } from '../../src-preload/bridge/index.ts';
import type { GenerationStats, Pipeline } from '../pipeline/index.ts';
import { figuresOf } from './pipeline-view/describe-answer.ts';

/** What a pipeline does at present, as the host's owner may see it. */
export const loadOf = ({ answers, waiting, stats }: Pipeline): PipelineLoad => ({ answers: answers.map((answer) => ({ ...answer })), waiting, last: stats === undefined ? undefined : lastOf(stats) });

function lastOf({ stages, boundaries, ...counts }: GenerationStats): NonNullable<PipelineLoad['last']> {
  return { ...counts, stages: stages.map((stage) => stage ?? null), boundaries: boundaries.map(({ from, to, wireMs, serialiseMs, rttMs, bytes }) => ({ from, to, wireMs, serialiseMs, rttMs, bytes })) };
}

/** The same in short, for every page that looks on. */
export const activityOf = ({ running, waiting, stats, tokens }: Pipeline): PipelineActivity => ({
  answering: running - waiting, waiting, tokens,
  ...(stats?.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }), ...(stats?.itlMs === undefined ? {} : { itlMs: stats.itlMs }),
});

/** A stage with what the last answer took of it; what that one did not measure stays as it was. */
export function withFigures(stage: Stage, stats: GenerationStats, index: number): Stage {
  const { msPerToken, waitMsPerToken, wireMsPerToken } = figuresOf(stats, index);
  const mostWaiting = stats.stages[index]?.flow?.mostWaiting;
  return {
    ...stage, ...(msPerToken === undefined ? {} : { msPerToken }), ...(waitMsPerToken === undefined ? {} : { waitMsPerToken }), ...(wireMsPerToken === undefined ? {} : { wireMsPerToken }),
    ...(mostWaiting === undefined ? {} : { mostWaiting }),
  };
}
