import type { LayerRange } from '../../base/index.ts';
import type { RouteStage } from '../coordinator/boundaries.ts';
import { pipelineErrors } from '../errors.ts';
import type { StageAssignment } from '../ports.ts';

/**
 * Gives the boundaries of another route the dtypes with which an answer under way goes on with the same bits: a boundary
 * that was there before keeps its own, because rounding there is part of the answer; one that is new, where several peers
 * share what one had, gets F32, which is exact.
 *
 * @throws PIPELINE_BAD_ROUTE when a boundary at which hidden states were rounded is gone
 */
export function keepBoundaries(next: readonly StageAssignment[], before: readonly RouteStage[]): RouteStage[] {
  const known = new Map(before.slice(0, -1).map(({ layers, sends }) => [layers.last, sends]));
  const gone = [...known].find(([last, sends]) => sends !== 'f32' && !next.some(({ layers }) => layers.last === last));
  if (gone !== undefined) throw pipelineErrors.badRoute({ reason: `hidden states were rounded to ${gone[1]} after layer ${gone[0]}, where no stage ends any more` });
  return next.map((stage) => ({ ...stage, sends: known.get(stage.layers.last) ?? 'f32' }));
}

/** Finds stages for a range. @throws PIPELINE_NO_PLACEMENT */
export type Cover = (range: LayerRange) => readonly StageAssignment[];

/**
 * The route with all stages covered anew that are not among `kept`. Where the boundary between two of them is exact, they are one
 * range, which may be cut elsewhere or not at all; where hidden states are rounded, they stay apart, also on one peer.
 *
 * @throws PIPELINE_NO_PLACEMENT
 */
export const coverLost = (route: readonly StageAssignment[], kept: readonly StageAssignment[], cover: Cover): StageAssignment[] =>
  cutBetween(route, (a, b) => rounds(a) || kept.includes(a) || kept.includes(b)).flatMap((run) => (run.some((stage) => kept.includes(stage)) ? run : cover(rangeOf(run))));

/** Those of `kept` that are joined to no lost stage by exact boundaries: what lies between two that round can be given out anew as a whole. */
export const apartFromLost = (route: readonly StageAssignment[], kept: readonly StageAssignment[]): StageAssignment[] =>
  cutBetween(route, rounds).filter((run) => run.every((stage) => kept.includes(stage))).flat();

const rounds = ({ sends }: StageAssignment): boolean => sends !== 'f32';

const rangeOf = (run: readonly StageAssignment[]): LayerRange => ({ first: run[0]?.layers.first ?? 0, last: run.at(-1)?.layers.last ?? 0 });

function cutBetween<T>(list: readonly T[], isCut: (a: T, b: T) => boolean): T[][] {
  const runs: T[][] = [];
  for (const [i, one] of list.entries()) {
    const before = list[i - 1];
    if (before === undefined || isCut(before, one)) runs.push([one]);
    else runs.at(-1)?.push(one);
  }
  return runs;
}
