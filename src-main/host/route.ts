import type { PeerId, SpawnChild } from '../base/index.ts';
import type { ActivationDtype } from '../inference/index.ts';
import { holdsWhole, withFetches, type Candidate, type Choose, type RerouteInit, type StageAssignment } from '../pipeline/index.ts';
import type { Cluster } from './cluster.ts';
import type { HostConfig } from './config.ts';
import { layerFactsOf } from './layer-facts.ts';
import { LayerSupplies } from './layer-supplies.ts';
import { Lessons } from './lessons.ts';
import { microBatchOf } from './micro-batch.ts';
import type { Node } from './node.ts';
import type { AppPaths } from './paths.ts';
import { planOverPeers, type PeerPlan } from './peer-plan.ts';
import { chooseByPlan } from './replace-peers.ts';
import type { ShardedModel } from './sharded-model.ts';

/** Who waits for an answer does not wait longer than this for links to be measured. */
const SURVEY_MS = 3_000;

/** Who computes which layers of a model, and who takes over when one is lost. */
export interface Route {
  readonly stages: readonly StageAssignment[];
  readonly candidates: RerouteInit['candidates'];
  readonly choose?: Choose;
  readonly supplies?: LayerSupplies;
  readonly modelHash: string;
  readonly vocabularyPath: string;
  /** Learns from how answers go; whoever takes the route writes it down at the end. */
  readonly lessons?: Lessons;
}

/** A node that ended is started again as soon as its layers are missed. */
export function routeOverCluster(cluster: Cluster): Route {
  const { nodes, model } = cluster;
  const stages = nodes.map(({ peerId, addresses, layers }) => ({ peer: peerId as PeerId, addresses, layers }));
  const candidates = async (givenUp: readonly PeerId[]): Promise<Candidate[]> => (await cluster.revive(givenUp)).map(({ peerId, addresses }) => ({ peer: peerId as PeerId, addresses }));
  return { stages, candidates, modelHash: model.manifest.model_hash, vocabularyPath: model.vocabularyPath };
}

export interface PeerRouteRequest {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  readonly node: Node;
  /** Cut by layers. */
  readonly model: ShardedModel;
  readonly addresses: readonly string[];
  /** This very node takes part. */
  readonly withSelf?: boolean;
  /** Who may take over besides the peers of the plan, asked at every loss. */
  readonly more?: () => readonly Candidate[];
  readonly dtype: ActivationDtype;
  readonly spawn?: SpawnChild | undefined;
  readonly signal: AbortSignal;
}

/** Asks every peer what it holds of the model and is able to do, measures how far away it is, and plans with that. Whoever takes the route stops its supplies. */
export async function routeOverPeers({ config, paths, node, model, addresses, withSelf, more = () => [], dtype, spawn, signal }: PeerRouteRequest): Promise<{ readonly route: Route; readonly plan: PeerPlan }> {
  const { contextTokens, home } = config;
  const { model_hash: modelHash } = model.manifest;
  const plan = await planOverPeers(node, {
    home, addresses, withSelf, modelHash, layers: await layerFactsOf(model.file.path, dtype), contextTokens, batchTokens: microBatchOf(config).batchTokens, surveyMs: SURVEY_MS, mayFetch: true, signal,
  });
  const supplies = new LayerSupplies({ config, paths, logger: node.logger, own: model, spawn });
  // Asked of this node only where somebody has to fetch: giving layers takes a process of its own.
  const isHeld = plan.placement.stages.every(({ peer, layers }) => holdsWhole(plan.peers.find((facts) => facts.peer === peer)?.shards ?? [], layers));
  const stages = isHeld ? plan.placement.stages : withFetches(plan.placement.stages, plan.peers, await supplies.of(plan.peers));
  const route = {
    stages, supplies, candidates: () => [...plan.peers, ...more()], choose: chooseByPlan(plan), modelHash, vocabularyPath: model.vocabularyPath,
    lessons: new Lessons({ home, plan, logger: node.logger }),
  };
  return { route, plan };
}
