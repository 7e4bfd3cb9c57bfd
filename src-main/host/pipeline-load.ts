import type { PipelineLoad } from '../api/index.ts';
import type { PipelineActivity } from '../../src-preload/bridge/index.ts';
import type { GenerationStats, Pipeline } from '../pipeline/index.ts';

/** What a pipeline does at present, as the host's owner may see it. */
export const loadOf = ({ answers, waiting, stats }: Pipeline): PipelineLoad => ({ answers: answers.map((answer) => ({ ...answer })), waiting, last: stats === undefined ? undefined : lastOf(stats) });

function lastOf({ stages, boundaries, ...counts }: GenerationStats): NonNullable<PipelineLoad['last']> {
  return { ...counts, stages: stages.map((stage) => stage ?? null), boundaries: boundaries.map(({ from, to, wireMs, serialiseMs, rttMs, bytes }) => ({ from, to, wireMs, serialiseMs, rttMs, bytes })) };
}

/** The same in short, for every page that looks on. */
export const activityOf = ({ running, waiting, stats }: Pipeline): PipelineActivity => ({
  answering: running - waiting, waiting,
  ...(stats?.ttftMs === undefined ? {} : { ttftMs: stats.ttftMs }), ...(stats?.itlMs === undefined ? {} : { itlMs: stats.itlMs }),
});
