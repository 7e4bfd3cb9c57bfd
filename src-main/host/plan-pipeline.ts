import { createLogger, systemClock, type LayerRange } from '../base/index.ts';
import { MAX_TOLD_BYTES_PER_SECOND } from '../mesh/index.ts';
import { NO_CORRECTION } from '../pipeline/index.ts';
import { hashModelFiles, layerBytes, openModelFile, planShards, type Piece } from '../store/index.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { ephemeral, type InferOptions } from './infer-pipeline.ts';
import { findModel, type ModelFile } from './model-file.ts';
import { createNode, type Node } from './node.ts';
import { layerFacts } from './layer-facts.ts';
import { appPaths } from './paths.ts';
import { microBatchOf } from './micro-batch.ts';
import { planOverPeers } from './peer-plan.ts';
import { planRecord, readPlannerMemory, type PlanRecord } from './planner-memory.ts';
import type { PipelinePlan, PipelineRequest, PlannedNode } from './types.ts';

interface Model {
  readonly file: ModelFile;
  readonly piece: Piece;
  /** Per layer; the embedding counts with the first, the head with the last. */
  readonly layerBytes: readonly number[];
}

/** Links between peers are measured for this long at most. */
const SURVEY_MS = 15_000;
const HERE = 'here';

/** `pipeline plan`: which nodes would run which layers. Starts no cluster and loads nothing; what it measured of links, the next plan may use. */
export async function planPipeline(settings: Settings, route: PipelineRequest['route'], options: InferOptions): Promise<PipelinePlan> {
  const model = await readModel(await findModel(settings.config.model, { paths: appPaths(), config: settings.config }));
  return route.kind === 'cluster' ? planCluster(model, route.nodes) : planPeers(settings, model, { ...options, addresses: route.addresses });
}

async function readModel(file: ModelFile): Promise<Model> {
  const model = await openModelFile(file.path);
  try {
    const piece = model.piece();
    return { file, piece, layerBytes: layerBytes(piece) };
  } finally {
    await model.close();
  }
}

function planCluster(model: Model, nodes: number): PipelinePlan {
  const { totalLayers } = model.piece;
  if (nodes > totalLayers) throw hostErrors.tooManyStages({ stages: nodes, layers: totalLayers });
  const ranges = planShards(model.piece, { kind: 'even', shards: nodes });
  const planned = ranges.map((layers, index): PlannedNode => ({ name: `node ${index}`, peerId: null, addresses: [], shards: [rangeOf(layers, model)] }));
  return { ...aboutModel(model), nodes: planned, stages: ranges.map((layers, index) => ({ node: `node ${index}`, peerId: null, ...rangeOf(layers, model) })) };
}

async function planPeers(settings: Settings, model: Model, options: InferOptions & { readonly addresses: readonly string[] }): Promise<PipelinePlan> {
  const { config } = settings;
  const modelHash = await hashModelFiles(model.file.path, { signal: options.signal });
  const plan = await withNode(settings, (node) => planOverPeers(node, {
    home: config.home, addresses: options.addresses, modelHash, layers: layerFacts(model.piece, 'f16'), contextTokens: config.contextTokens, batchTokens: microBatchOf(config).batchTokens, surveyMs: SURVEY_MS, mayFetch: true, signal: options.signal,
  }));
  const { peers, request, links, placement: { stages, predicted: { ttftMs, tokensPerSecond }, isOptimal, explanation } } = plan;
  const record = planRecord(plan.memory, modelHash);
  return {
    ...aboutModel(model), placement: { ttftMs, tokensPerSecond, isOptimal, explanation },
    nodes: peers.map(({ peer, addresses, shards, node, rttMs }): PlannedNode => ({
      name: peer, peerId: peer, addresses, shards: shards.map(({ layers, sizeBytes }) => ({ layers: [layers.first, layers.last], sizeBytes })), able: { ...node, rttMs, correction: request.corrections?.get(peer) ?? NO_CORRECTION },
    })),
    links: links.map(({ a, b, rttMs, bytesPerSecond, isRttAssumed, isBandwidthAssumed }) => ({
      a: a === request.coordinator ? HERE : a, b, rttMs, bytesPerSecond, roundTrip: isRttAssumed ? 'assumed' : 'measured', bandwidth: isBandwidthAssumed ? 'assumed' : bytesPerSecond < MAX_TOLD_BYTES_PER_SECOND ? 'measured' : 'at least',
    })),
    stages: stages.map(({ peer, layers }) => ({ node: peer, peerId: peer, ...rangeOf(layers, model) })),
    ...(record === undefined ? {} : { record }),
  };
}

/** Runs something on a node that is gone again afterwards. */
export async function withNode<T>(settings: Settings, use: (node: Node) => Promise<T>): Promise<T> {
  const node = await createNode({ settings: ephemeral(settings), paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  try {
    return await use(node);
  } finally {
    await node.stop();
  }
}

/** How the plans of late turned out, whatever the model; undefined where nothing was planned. Reads a file, asks nobody. */
export async function recentPlans({ config }: Settings): Promise<PlanRecord | undefined> {
  return planRecord(await readPlannerMemory(config.home, { logger: createLogger(config.logLevel), nowMs: systemClock.now() }));
}

const aboutModel = ({ file, piece }: Model): Pick<PipelinePlan, 'model'> =>
  ({ model: { name: file.name, architecture: piece.architecture, totalLayers: piece.totalLayers, sizeBytes: file.sizeBytes } });

const rangeOf = ({ first, last }: LayerRange, model: Model): { readonly layers: readonly [number, number]; readonly sizeBytes: number } =>
  ({ layers: [first, last], sizeBytes: model.layerBytes.slice(first, last + 1).reduce((sum, bytes) => sum + bytes, 0) });
