import type { LayerRange, PeerId } from '../base/index.ts';
import { fileSource, hashFile, layerBytes, openGguf, pieceOfModel, planShards, type Piece } from '../store/index.ts';
import type { Settings } from './config.ts';
import { hostErrors } from './errors.ts';
import { ephemeral, queryPeers, type InferOptions } from './infer-pipeline.ts';
import { findModel, type ModelFile } from './model-file.ts';
import { createNode } from './node.ts';
import { layerFacts } from './layer-facts.ts';
import { appPaths } from './paths.ts';
import { placeOverPeers, type PeerFacts } from './place-peers.ts';
import { BATCH_TOKENS } from './session.ts';
import type { PipelinePlan, PipelineRequest, PlannedNode } from './types.ts';

interface Model {
  readonly file: ModelFile;
  readonly piece: Piece;
  /** Per layer; the embedding counts with the first, the head with the last. */
  readonly layerBytes: readonly number[];
}

/** `pipeline plan`: which nodes would run which layers. Starts no cluster, loads nothing and writes nothing. */
export async function planPipeline(settings: Settings, route: PipelineRequest['route'], options: InferOptions): Promise<PipelinePlan> {
  const model = await readModel(await findModel(settings.config.model, appPaths()));
  return route.kind === 'cluster' ? planCluster(model, route.nodes) : planPeers(settings, model, { ...options, addresses: route.addresses });
}

async function readModel(file: ModelFile): Promise<Model> {
  const source = await fileSource(file.path);
  try {
    const piece = pieceOfModel(await openGguf(source));
    return { file, piece, layerBytes: layerBytes(piece) };
  } finally {
    await source.close();
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
  const { peers, coordinator } = await askPeers(settings, { ...options, modelHash: await hashFile(model.file.path, { signal: options.signal }) });
  const nodes = peers.map(({ peer, addresses, shards, node, rttMs }): PlannedNode => ({
    name: peer, peerId: peer, addresses, shards: shards.map(({ layers, sizeBytes }) => ({ layers: [layers.first, layers.last], sizeBytes })), able: { ...node, rttMs },
  }));
  const placement = placeOverPeers({ layers: layerFacts(model.piece), peers, coordinator, contextTokens: settings.config.contextTokens, batchTokens: BATCH_TOKENS });
  const { predicted: { ttftMs, tokensPerSecond }, isOptimal, explanation } = placement;
  return {
    ...aboutModel(model), nodes, stages: placement.stages.map(({ peer, layers }) => ({ node: peer, peerId: peer, ...rangeOf(layers, model) })),
    placement: { ttftMs, tokensPerSecond, isOptimal, explanation },
  };
}

async function askPeers(settings: Settings, options: InferOptions & { readonly addresses: readonly string[]; readonly modelHash: string }): Promise<{ readonly peers: readonly PeerFacts[]; readonly coordinator: PeerId }> {
  const node = await createNode({ settings: ephemeral(settings), paths: appPaths(), shards: [], identity: 'ephemeral' });
  await node.start();
  try {
    return { peers: await queryPeers(node, options), coordinator: node.mesh.peerId };
  } finally {
    await node.stop();
  }
}

const aboutModel = ({ file, piece }: Model): Pick<PipelinePlan, 'model'> =>
  ({ model: { name: file.name, architecture: piece.architecture, totalLayers: piece.totalLayers, sizeBytes: file.sizeBytes } });

const rangeOf = ({ first, last }: LayerRange, model: Model): { readonly layers: readonly [number, number]; readonly sizeBytes: number } =>
  ({ layers: [first, last], sizeBytes: model.layerBytes.slice(first, last + 1).reduce((sum, bytes) => sum + bytes, 0) });
