import type { LayerRange } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';

export interface SplitOptions {
  readonly stages: number;
  /** Layers before which a cut is allowed (1..layers-1), ascending; all when absent. */
  readonly cutsAllowed?: readonly number[];
}

/**
 * Splits layers into contiguous ranges so that the largest share of bytes is as
 * small as possible; among such splits, the one whose shares are most even
 * (smallest sum of squares). Exact, O(stages * cuts²).
 *
 * @param layerBytes - bytes of each layer; embedding counted with the first, head with the last.
 * @throws PIPELINE_BAD_OPTION when there are fewer pieces than stages, or a size is not a number >= 0.
 */
export function splitEvenByBytes(layerBytes: readonly number[], options: SplitOptions): LayerRange[] {
  const edges = allowedEdges(layerBytes, options);
  const offsets = edges.map((edge) => prefixSum(layerBytes, edge));
  const share = (i: number, j: number): number => (offsets[j] ?? 0) - (offsets[i] ?? 0);
  const largest = cheapest(edges.length, options.stages, (i, j, rest) => Math.max(rest, share(i, j))).cost;
  // Dividing keeps the squares near 1, where doubles tell byte counts apart.
  const square = (i: number, j: number): number => (share(i, j) / (largest || 1)) ** 2;
  const { cuts } = cheapest(edges.length, options.stages, (i, j, rest) => (share(i, j) > largest ? Infinity : rest + square(i, j)));
  return cuts.slice(1).map((to, k) => ({ first: edges[cuts[k] ?? 0] ?? 0, last: (edges[to] ?? 0) - 1 }));
}

function allowedEdges(layerBytes: readonly number[], { stages, cutsAllowed }: SplitOptions): number[] {
  const layers = layerBytes.length;
  if (layerBytes.some((bytes) => !Number.isFinite(bytes) || bytes < 0)) throw pipelineErrors.badOption({ option: 'layerBytes', reason: 'every size must be a number >= 0' });
  const inner = cutsAllowed ?? Array.from({ length: Math.max(0, layers - 1) }, (_, i) => i + 1);
  if (inner.some((cut, i) => !Number.isInteger(cut) || cut <= (inner[i - 1] ?? 0) || cut >= layers)) throw pipelineErrors.badOption({ option: 'cutsAllowed', reason: 'cuts must ascend within 1..layers-1' });
  const pieces = layers === 0 ? 0 : inner.length + 1;
  if (!Number.isInteger(stages) || stages < 1 || stages > pieces) throw pipelineErrors.badOption({ option: 'stages', reason: `${stages} stages asked, 1 to ${pieces} possible` });
  return [0, ...inner, layers];
}

const prefixSum = (values: readonly number[], end: number): number => values.slice(0, end).reduce((sum, value) => sum + value, 0);

/** Cost of the parts up to `j` when the last part is edges i..j and the parts before it cost `rest`. */
type Extend = (i: number, j: number, rest: number) => number;

/** The cheapest way through `edges` points in exactly `parts` steps; ties go to the smallest cut. */
function cheapest(edges: number, parts: number, extend: Extend): { readonly cost: number; readonly cuts: number[] } {
  let costs = Array.from({ length: edges }, (_, j) => (j === 0 ? 0 : Infinity));
  const from: number[][] = [];
  for (let part = 0; part < parts; part++) {
    const rests = costs;
    const choices = Array.from({ length: edges }, () => 0);
    costs = rests.map((_, j) => {
      let best = Infinity;
      for (let i = 0; i < j; i++) {
        const rest = rests[i] ?? Infinity;
        const cost = rest === Infinity ? Infinity : extend(i, j, rest);
        if (cost < best) [best, choices[j]] = [cost, i];
      }
      return best;
    });
    from.push(choices);
  }
  return { cost: costs[edges - 1] ?? Infinity, cuts: trace(from, edges - 1) };
}

function trace(from: readonly number[][], end: number): number[] {
  const cuts = [end];
  for (const choices of from.toReversed()) cuts.unshift(choices[cuts[0] ?? 0] ?? 0);
  return cuts;
}
