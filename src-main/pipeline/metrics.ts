import type { Counter, Gauge, Histogram, Metrics } from '../base/index.ts';

export interface RunnerMetrics {
  readonly steps: Counter;
  readonly rows: Counter;
  readonly laneRows: Counter;
  readonly stepSeconds: Histogram;
  readonly sessions: Gauge;
  readonly engines: Gauge;
  readonly linkErrors: Counter;
}

export const runnerMetrics = (metrics: Metrics): RunnerMetrics => ({
  steps: metrics.counter({ name: 'omninode_stage_steps_total', help: 'Batches computed by the stages of this node' }),
  rows: metrics.counter({ name: 'omninode_stage_rows_total', help: 'Rows (token positions) computed by the stages of this node' }),
  laneRows: metrics.counter({ name: 'omninode_stage_lane_rows_total', help: 'Rows that stages of this node computed in their lanes, counted when a run ends' }),
  stepSeconds: metrics.histogram({ name: 'omninode_stage_step_seconds', help: 'Time of one batch inside the engine', buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] }),
  sessions: metrics.gauge({ name: 'omninode_stage_sessions', help: 'Sessions open on the stages of this node' }),
  engines: metrics.gauge({ name: 'omninode_stage_engines', help: 'Layer ranges loaded on this node' }),
  linkErrors: metrics.counter({ name: 'omninode_stage_link_errors_total', help: 'Stage links that ended with an error', labels: ['code'] }),
});

export interface CoordinatorMetrics {
  readonly tokens: Counter;
  readonly ttftSeconds: Histogram;
  readonly finished: Counter;
  readonly stageLosses: Counter;
  readonly replayMismatches: Counter;
}

export const coordinatorMetrics = (metrics: Metrics): CoordinatorMetrics => ({
  tokens: metrics.counter({ name: 'omninode_pipeline_tokens_total', help: 'Tokens received by the coordinator' }),
  ttftSeconds: metrics.histogram({ name: 'omninode_pipeline_ttft_seconds', help: 'Time from the request to the first token', buckets: [0.05, 0.1, 0.3, 1, 3, 10, 30] }),
  finished: metrics.counter({ name: 'omninode_pipeline_generations_total', help: 'Generations ended', labels: ['reason'] }),
  stageLosses: metrics.counter({ name: 'omninode_pipeline_stage_losses_total', help: 'Stages lost while a pipeline ran, by error code', labels: ['code'] }),
  replayMismatches: metrics.counter({ name: 'omninode_pipeline_replay_mismatches_total', help: 'Tokens that a replay on other stages gave differently' }),
});
