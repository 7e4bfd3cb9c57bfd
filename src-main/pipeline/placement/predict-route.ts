import { pipelineErrors } from '../errors.ts';
import type { StageAssignment } from '../ports.ts';
import { CostModel } from './model.ts';
import { predict, type Prediction } from './predict.ts';
import type { PlacementRequest } from './request.ts';

/**
 * What given stages are expected to do: a plan's own, for an answer that turned out another than the plan was made for, or any others.
 *
 * @throws PIPELINE_BAD_OPTION where a stage's node or cut is not in the request.
 */
export function predictRoute(request: PlacementRequest, stages: readonly Pick<StageAssignment, 'peer' | 'layers'>[]): Prediction {
  const model = new CostModel(request);
  const path = stages.map(({ peer, layers }) => ({
    node: model.nodes.findIndex((node) => node.peer === peer), from: model.edges.indexOf(layers.first), to: model.edges.indexOf(layers.last + 1),
  }));
  if (path.length === 0 || path.some(({ node, from, to }) => node < 0 || from < 0 || to <= from)) throw pipelineErrors.badOption({ option: 'stages', reason: 'a stage\'s node or layers are not in the request' });
  return predict(model, path);
}
