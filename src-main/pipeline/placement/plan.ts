import type { StageAssignment } from '../ports.ts';
import type { PeerId } from '../../base/index.ts';
import { checkRequest, whyNot } from './check.ts';
import { explain, leftOut, type LeftOut } from './explain.ts';
import { CostModel, roomOf, type Cut } from './model.ts';
import { layersOf, predict, predictStage, type Prediction, type StagePrediction } from './predict.ts';
import { assignReplicas } from './replicas.ts';
import type { NodeFacts, Objective, PlacementRequest } from './request.ts';
import { solve } from './solve.ts';

/** A stage of the route, with what is expected of it. */
export interface PlacedStage extends StageAssignment {
  readonly backend: string;
  /** Weights and KV caches. */
  readonly needBytes: number;
  readonly predicted: StagePrediction;
  /** Nodes in no stage that can take this one over, the best first. */
  readonly replicas: readonly PeerId[];
}

export interface Placement {
  readonly objective: Objective;
  readonly stages: readonly PlacedStage[];
  /** What was minimised, ms per token. */
  readonly cost: number;
  /** Whether this was proven to be the cheapest. */
  readonly isOptimal: boolean;
  readonly predicted: Prediction;
  readonly leftOut: readonly LeftOut[];
  /** Short English sentences. */
  readonly explanation: readonly string[];
}

/** Nodes that the search takes in. */
const MAX_CANDIDATES = 64;

/**
 * Chooses which nodes run which layers, in which order; see model.ts for what is minimised. Pure.
 *
 * @throws PIPELINE_BAD_OPTION, PIPELINE_NO_PLACEMENT (nobody holds or fetches a layer),
 *   PIPELINE_DOES_NOT_FIT (how much memory is missing).
 */
export function planPlacement(request: PlacementRequest): Placement {
  checkRequest(request);
  const model = new CostModel(request, candidates(request));
  const solution = solve(model, { from: 0, to: model.edges.length - 1 });
  if (solution === undefined) throw whyNot(new CostModel(request));
  const { path } = solution;
  const isOptimal = solution.isOptimal && request.nodes.length <= MAX_CANDIDATES;
  const replicas = assignReplicas(model, path, request.maxReplicas ?? 2);
  const left = leftOut(model, path, request.nodes);
  return {
    objective: model.objective, cost: model.cost(path), isOptimal, predicted: predict(model, path), leftOut: left,
    stages: path.map((cut, s) => placed(model, cut, replicas[s] ?? [])),
    explanation: explain(model, path, { left, replicas, isOptimal }),
  };
}

export function placed(model: CostModel, cut: Cut, replicas: readonly number[]): PlacedStage {
  const { peer, addresses, backend } = model.nodes[cut.node] as NodeFacts;
  return {
    peer, addresses, backend, layers: layersOf(model, cut), predicted: predictStage(model, cut),
    needBytes: (model.needBytes[cut.to] ?? 0) - (model.needBytes[cut.from] ?? 0),
    replicas: replicas.flatMap((node) => model.nodes[node]?.peer ?? []),
  };
}

/**
 * Nodes that could run a stage. Of more than 64, those with the least time for each
 * layer that they have room for, their way from the coordinator included.
 */
function candidates(request: PlacementRequest): NodeFacts[] {
  const { nodes } = request;
  if (nodes.length <= MAX_CANDIDATES) return [...nodes];
  const rough = new CostModel({ ...request, objective: 'latency' });
  const total = rough.edges.length - 1;
  const score = ({ peer }: NodeFacts, i: number): number => {
    const room = Math.min(1, roomOf(nodes[i] as NodeFacts) / (rough.needBytes[total] ?? 1));
    return (rough.link(request.coordinator, peer).rttMs + room * rough.stageSum(i, 0, total)) / room;
  };
  return nodes.map((node, i) => ({ node, score: score(node, i) })).filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => a.score - b.score).slice(0, MAX_CANDIDATES).map(({ node }) => node);
}
