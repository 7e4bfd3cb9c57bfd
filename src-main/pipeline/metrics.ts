import { createTally, type Counter, type Gauge, type Histogram, type Metrics, type Tally } from '../base/index.ts';

export interface RunnerMetrics {
  readonly steps: Counter;
  readonly rows: Counter;
  readonly laneRows: Counter;
  readonly drafts: Counter;
  readonly stepSeconds: Histogram;
  readonly batchFill: Histogram;
  readonly queueLength: Tally;
  readonly sentBytes: Counter;
  readonly sessions: Gauge;
  readonly engines: Gauge;
  readonly linkErrors: Counter;
}

export const runnerMetrics = (metrics: Metrics): RunnerMetrics => ({
  steps: metrics.counter({ name: 'omninode_stage_steps_total', help: 'Batches computed by the stages of this node' }),
  rows: metrics.counter({ name: 'omninode_stage_rows_total', help: 'Rows (token positions) computed by the stages of this node' }),
  laneRows: metrics.counter({ name: 'omninode_stage_lane_rows_total', help: 'Rows that stages of this node computed in their lanes, counted when a run ends' }),
  drafts: metrics.counter({ name: 'omninode_stage_drafts_total', help: 'Guessed tokens; what: drafted or accepted (by first stages), dropped uncomputed (by last stages); counted when a run ends', labels: ['what'] }),
  stepSeconds: metrics.histogram({ name: 'omninode_stage_step_seconds', help: 'Time of one batch inside the engine', buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] }),
  batchFill: metrics.histogram({ name: 'omninode_stage_batch_fill_ratio', help: 'Rows of one batch over the rows that fit; the lane, one row a pass, is left out', buckets: [0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1] }),
  queueLength: createTally(metrics.gauge({ name: 'omninode_stage_queue_frames', help: 'Frames that wait for a pass on the stages of this node' })),
  sentBytes: metrics.counter({ name: 'omninode_stage_sent_bytes_total', help: 'Rows and tokens sent, framing included; to: stage or coordinator, way: mesh or lane (counted when a run ends)', labels: ['to', 'way'] }),
  sessions: metrics.gauge({ name: 'omninode_stage_sessions', help: 'Sessions open on the stages of this node' }),
  engines: metrics.gauge({ name: 'omninode_stage_engines', help: 'Layer ranges loaded on this node' }),
  linkErrors: metrics.counter({ name: 'omninode_stage_link_errors_total', help: 'Stage links that ended with an error', labels: ['code'] }),
});

export interface CoordinatorMetrics {
  readonly tokens: Counter;
  readonly ttftSeconds: Histogram;
  readonly itlSeconds: Histogram;
  readonly waiting: Tally;
  readonly boundaryBytes: Counter;
  readonly failovers: Counter;
  readonly finished: Counter;
  readonly stageLosses: Counter;
  readonly replayMismatches: Counter;
}

export const coordinatorMetrics = (metrics: Metrics): CoordinatorMetrics => ({
  tokens: metrics.counter({ name: 'omninode_pipeline_tokens_total', help: 'Tokens received by the coordinator' }),
  ttftSeconds: metrics.histogram({ name: 'omninode_pipeline_ttft_seconds', help: 'Time from the request to the first token', buckets: [0.05, 0.1, 0.3, 1, 3, 10, 30] }),
  itlSeconds: metrics.histogram({ name: 'omninode_pipeline_itl_seconds', help: 'Time from one token to the next where they are sampled, by the clock of the last stage', buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3] }),
  waiting: createTally(metrics.gauge({ name: 'omninode_pipeline_waiting_answers', help: 'Answers that wait for a place on the stages' })),
  boundaryBytes: metrics.counter({ name: 'omninode_pipeline_boundary_bytes_total', help: 'Bytes of rows and tokens over each boundary, told by its sender when an answer ends', labels: ['from', 'to'] }),
  failovers: metrics.counter({ name: 'omninode_pipeline_failovers_total', help: 'Times that lost stages were replaced by others' }),
  finished: metrics.counter({ name: 'omninode_pipeline_generations_total', help: 'Generations ended', labels: ['reason'] }),
  stageLosses: metrics.counter({ name: 'omninode_pipeline_stage_losses_total', help: 'Stages lost while a pipeline ran, by error code', labels: ['code'] }),
  replayMismatches: metrics.counter({ name: 'omninode_pipeline_replay_mismatches_total', help: 'Tokens that a replay on other stages gave differently' }),
});
