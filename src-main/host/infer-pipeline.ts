import type { PeerId } from '../base/index.ts';
import { holdsWhole, withFetches, type Candidate, type Choose, type GenerationStats, type RerouteInit, type StageAssignment } from '../pipeline/index.ts';
import { startCluster, type Cluster } from './cluster.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { createNode, type Node } from './node.ts';
import { layerFactsOf } from './layer-facts.ts';
import { LayerSupplies } from './layer-supplies.ts';
import { microBatchOf } from './micro-batch.ts';
import { appPaths } from './paths.ts';
import { planOverPeers, rememberAnswer } from './peer-plan.ts';
import { chooseByPlan } from './replace-peers.ts';
import { openSession, type Answer } from './session.ts';
import { shardModelFile } from './sharded-model.ts';
import type { InferenceReport, PipelineRequest, ProgressSink, ReceiptedReport, TracedReport } from './types.ts';

/** Who waits for an answer does not wait longer than this for links to be measured. */
const SURVEY_MS = 3_000;

interface Route {
  readonly stages: readonly StageAssignment[];
  readonly candidates: RerouteInit['candidates'];
  readonly choose?: Choose;
  readonly supplies?: LayerSupplies;
  readonly modelHash: string;
  readonly vocabularyPath: string;
  /** Learns from how it went. */
  readonly onAnswer?: (answer: Answer) => Promise<void>;
}

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
      const found = cluster === undefined ? await routeOverPeers(settings, node, { ...options, addresses: route.kind === 'peers' ? route.addresses : [], dtype: request.dtype }) : routeOverCluster(cluster);
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

/** A node that ended is started again as soon as its layers are missed. */
export function routeOverCluster(cluster: Cluster): Route {
  const { nodes, model } = cluster;
  const stages = nodes.map(({ peerId, addresses, layers }) => ({ peer: peerId as PeerId, addresses, layers }));
  const candidates = async (givenUp: readonly PeerId[]): Promise<Candidate[]> => (await cluster.revive(givenUp)).map(({ peerId, addresses }) => ({ peer: peerId as PeerId, addresses }));
  return { stages, candidates, modelHash: model.manifest.model_hash, vocabularyPath: model.vocabularyPath };
}

/** Asks every peer what it holds of the model and is able to do, measures how far away it is, and plans with that. */
async function routeOverPeers(settings: Settings, node: Node, options: InferOptions & Pick<PipelineRequest, 'dtype'> & { readonly addresses: readonly string[] }): Promise<Route> {
  const model = await shardModelFile(settings.config, { ...options, paths: appPaths(), model: settings.config.model, plan: { kind: 'per-layer' } });
  const { model_hash: modelHash } = model.manifest;
  const { contextTokens, home } = settings.config;
  const plan = await planOverPeers(node, { home, addresses: options.addresses, modelHash, layers: await layerFactsOf(model.file.path, options.dtype), contextTokens, batchTokens: microBatchOf(settings.config).batchTokens, surveyMs: SURVEY_MS, mayFetch: true, signal: options.signal });
  for (const sentence of plan.placement.explanation) options.onStatus?.(sentence);
  const supplies = new LayerSupplies({ config: settings.config, paths: appPaths(), logger: node.logger, own: model });
  // Asked of this node only where somebody has to fetch: giving layers takes a process of its own.
  const isHeld = plan.placement.stages.every(({ peer, layers }) => holdsWhole(plan.peers.find((facts) => facts.peer === peer)?.shards ?? [], layers));
  const stages = isHeld ? plan.placement.stages : withFetches(plan.placement.stages, plan.peers, await supplies.of(plan.peers));
  return { stages, supplies, candidates: () => plan.peers, choose: chooseByPlan(plan), modelHash, vocabularyPath: model.vocabularyPath, onAnswer: (answer) => rememberAnswer(node, { home, plan }, answer) };
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
    await route.onAnswer?.(answer);
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

