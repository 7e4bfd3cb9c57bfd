import type { GenerationStats } from '../pipeline/index.ts';
import { startCluster } from './cluster.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { createNode, type Node } from './node.ts';
import { microBatchOf } from './micro-batch.ts';
import { appPaths } from './paths.ts';
import { routeOverCluster, routeOverPeers, type Route } from './route.ts';
import { openSession, type Answer } from './session.ts';
import { shardModelFile } from './sharded-model.ts';
import type { InferenceReport, PipelineRequest, ProgressSink, ReceiptedReport, TracedReport } from './types.ts';

export interface InferOptions extends ProgressSink {
  readonly signal: AbortSignal;
}

/** `pipeline-infer`: one answer over nodes started here, or over peers elsewhere. Leaves nothing running. */
export async function inferPipeline(settings: Settings, request: PipelineRequest, options: InferOptions): Promise<InferenceReport> {
  return reportOf(await answerOver(settings, { request, options }));
}

/** `pipeline-infer --receipts`: the same, and what its nodes signed. */
export async function inferWithReceipts(settings: Settings, request: PipelineRequest, options: InferOptions): Promise<ReceiptedReport> {
  const answer = await answerOver(settings, { request, options, receipts: true });
  return { report: reportOf(answer), receipts: answer.receipts };
}

/** `pipeline trace`: the same, and where the time went. */
export async function tracePipeline(settings: Settings, request: PipelineRequest, options: InferOptions): Promise<TracedReport> {
  const answer = await answerOver(settings, { request, options, trace: true });
  if (answer.trace === undefined) throw hostErrors.noTrace({});
  return { report: reportOf(answer), stats: answer.stats, trace: answer.trace };
}

async function answerOver(settings: Settings, asked: Pick<Job, 'request' | 'options' | 'trace' | 'receipts'>): Promise<Answer> {
  const paths = appPaths();
  const { request, options } = asked;
  const { route } = request;
  const cluster = route.kind === 'cluster' ? await startCluster(settings, { ...options, nodes: route.nodes, paths }) : undefined;
  try {
    // The coordinator of a single answer is passing: a `listen` with the same home may be running.
    const node = await createNode({ settings: ephemeral(settings), paths, shards: [], identity: 'ephemeral' });
    await node.start();
    try {
      const found = cluster === undefined ? await overPeers(settings, node, { ...options, addresses: route.kind === 'peers' ? route.addresses : [], dtype: request.dtype }) : routeOverCluster(cluster);
      try {
        return await answerOnce(settings, { ...asked, node, route: found });
      } finally {
        await found.supplies?.stop();
      }
    } finally {
      await node.stop();
    }
  } finally {
    await cluster?.stop();
  }
}

export const ephemeral = (settings: Settings): Settings => ({ ...settings, config: { ...settings.config, listen: ['/ip4/127.0.0.1/tcp/0'] } });

async function overPeers({ config }: Settings, node: Node, options: InferOptions & Pick<PipelineRequest, 'dtype'> & { readonly addresses: readonly string[] }): Promise<Route> {
  const paths = appPaths();
  const model = await shardModelFile(config, { ...options, paths, model: config.model, plan: { kind: 'per-layer' } });
  const { route, plan } = await routeOverPeers({ config, paths, node, model, ...options });
  for (const sentence of plan.placement.explanation) options.onStatus?.(sentence);
  return route;
}

interface Job {
  readonly node: Node;
  readonly route: Route;
  readonly request: PipelineRequest;
  readonly options: InferOptions;
  readonly trace?: true;
  readonly receipts?: true;
}

async function answerOnce({ config }: Settings, { node, route, request, options, trace, receipts }: Job): Promise<Answer> {
  const { onStatus, onText, signal } = options;
  const session = await openSession({
    node, route: route.stages, candidates: route.candidates, choose: route.choose, supplies: route.supplies, modelHash: route.modelHash, vocabularyPath: route.vocabularyPath, contextTokens: config.contextTokens,
    microBatch: microBatchOf(config), dtype: request.dtype, speculate: request.speculate ?? true, signal, ...(onStatus === undefined ? {} : { onStatus }),
  });
  try {
    const answer = await session.answer({ ...request, signal, onText: onText ?? (() => undefined), ...(trace === undefined ? {} : { trace }), ...(receipts === undefined ? {} : { receipts }) });
    route.lessons?.add(answer);
    await route.lessons?.flush();
    return answer;
  } finally {
    await session.close();
  }
}

const reportOf = ({ text, tokenIds, finishReason, stats, stages }: Answer): InferenceReport =>
  ({ text, tokenIds, promptTokens: stats.promptTokens, ttftMs: stats.ttftMs ?? null, tokensPerSecond: stats.tokensPerSecond ?? null, finishReason, speculation: speculationOf(stats), stages });

function speculationOf({ speculation }: GenerationStats): InferenceReport['speculation'] {
  return speculation === undefined || speculation.drafted === 0 ? null : { drafted: speculation.drafted, accepted: speculation.accepted };
}

