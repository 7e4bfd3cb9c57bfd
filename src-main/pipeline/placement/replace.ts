import type { PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { checkRequest } from './check.ts';
import { CostModel, roomOf } from './model.ts';
import { placed, type PlacedStage, type Placement } from './plan.ts';
import type { NodeFacts, PlacementRequest } from './request.ts';
import { solve } from './solve.ts';

export interface LostStage {
  /** Index of the stage in the plan. */
  readonly stage: number;
  /** Every node known to be gone; the stage's own counts as one. */
  readonly lost: ReadonlySet<PeerId>;
}

export interface Replacement {
  /** Covers exactly the lost stage's layers. */
  readonly stages: readonly PlacedStage[];
  /** replica: kept for this; spare: in no stage so far; shared: runs a stage already; split: several nodes. */
  readonly how: 'replica' | 'spare' | 'shared' | 'split';
  /** Until all shards are on disk. */
  readonly readyMs: number;
}

/**
 * Who runs the layers of a lost stage: its first replica that is left, else the node that finishes an
 * answer soonest, its fetch included, else several nodes. Nodes of the plan keep the memory of their stages.
 *
 * @param request - as the plan was made with; `freeBytes` before any stage of it was loaded.
 * @throws PIPELINE_NO_PLACEMENT naming the stage's first layer, PIPELINE_BAD_OPTION.
 */
export function replaceStage(request: PlacementRequest, plan: Pick<Placement, 'stages'>, { stage, lost }: LostStage): Replacement {
  checkRequest(request);
  const gone = plan.stages[stage];
  if (gone === undefined) throw pipelineErrors.badOption({ option: 'stage', reason: `${stage} is not one of ${plan.stages.length} stages` });
  const model = modelAround(request, plan.stages, { stage, lost });
  const span = { from: model.edges.indexOf(gone.layers.first), to: model.edges.indexOf(gone.layers.last + 1) };
  if (span.from < 0 || span.to < 0) throw pipelineErrors.badOption({ option: 'cutsAllowed', reason: `do not allow layers ${gone.layers.first}-${gone.layers.last}` });
  const single = model.nodes.map(({ peer }, node) => ({ peer, path: [{ node, ...span }] })).map((one) => ({ ...one, cost: model.cost(one.path) })).filter(({ cost }) => cost < Infinity);
  const [best] = single.sort((a, b) => preference(gone, a) - preference(gone, b) || a.cost - b.cost);
  const path = best?.path ?? solve(model, span)?.path;
  if (path === undefined) throw pipelineErrors.noPlacement({ layer: gone.layers.first, totalLayers: request.layers.length });
  const stages = path.map((cut) => placed(model, cut, []));
  const readyMs = Math.max(...stages.map(({ predicted }) => predicted.fetchMs));
  return { stages, readyMs, how: best === undefined ? 'split' : howOf(plan.stages, gone, best.peer) };
}

const preference = ({ replicas }: PlacedStage, { peer }: { peer: PeerId }): number => {
  const place = replicas.indexOf(peer);
  return place < 0 ? replicas.length : place;
};

function howOf(stages: readonly PlacedStage[], gone: PlacedStage, peer: PeerId): Replacement['how'] {
  if (gone.replicas.includes(peer)) return 'replica';
  return stages.some((stage) => stage.peer === peer) ? 'shared' : 'spare';
}

/** The nodes left, with the room left, and ends that lie at the neighbours instead of the coordinator. */
function modelAround(request: PlacementRequest, stages: readonly PlacedStage[], { stage, lost }: LostStage): CostModel {
  const isGone = (peer: PeerId): boolean => lost.has(peer) || stages[stage]?.peer === peer;
  const busyBytes = (peer: PeerId): number => stages.reduce((sum, other) => sum + (other.peer === peer ? other.needBytes : 0), 0);
  const nodes = request.nodes.filter(({ peer }) => !isGone(peer)).map((node): NodeFacts => ({ ...node, freeBytes: Math.max(0, roomOf(node) - busyBytes(node.peer)), ownerLimitBytes: Infinity }));
  // Who waits for this answer waits for the fetch as well.
  const fetchWeight = Math.max(request.fetchWeight ?? 0, 1 / Math.max(1, request.load.answerTokens));
  const model = new CostModel({ ...request, fetchWeight }, nodes);
  if (stages.length === 1) return model;
  const index = (other: PlacedStage | undefined): number => nodes.findIndex(({ peer }) => peer === other?.peer);
  const [from, to] = [model.edges.indexOf(stages[stage]?.layers.first ?? 0), model.edges.indexOf((stages[stage]?.layers.last ?? 0) + 1)];
  const [previous, next] = [index(stages.at(stage - 1)), index(stages[(stage + 1) % stages.length])];
  const { count, closeMs } = model;
  // A neighbour that is lost as well is found later: nothing is known of the hop.
  const into = (node: number): number => (previous < 0 ? 0 : stage === 0 ? closeMs[previous * count + node] ?? 0 : model.hopSum(previous, node, from));
  const out = (node: number): number => (next < 0 ? 0 : stage === stages.length - 1 ? closeMs[node * count + next] ?? 0 : model.hopSum(node, next, to));
  model.startMs = model.startMs.map((ms, node) => (stage === 0 ? ms : 0) + into(node));
  model.finishMs = model.finishMs.map((ms, node) => (stage === stages.length - 1 ? ms : 0) + out(node));
  model.closeMs = new Float64Array(count * count);
  return model;
}
