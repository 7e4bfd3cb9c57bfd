import { unused } from './improve.ts';
import type { CostModel, Cut } from './model.ts';
import { predictStage } from './predict.ts';

/**
 * Gives nodes left over to stages that fit them, one stage each: first as many stages as possible
 * get one (augmenting paths, the bottleneck before the others), then again, up to `perStage`.
 *
 * @returns per stage its replicas, the one to take first in front: shards on disk, then the
 *   stage's own backend (same bits after a replay), then the faster.
 */
export function assignReplicas(model: CostModel, path: readonly Cut[], perStage: number): number[][] {
  const replicas: number[][] = path.map(() => []);
  const times = path.map((cut) => predictStage(model, cut).decodeMs);
  const priority = path.map((_, s) => s).sort((a, b) => (times[b] ?? 0) - (times[a] ?? 0));
  const free = new Set(unused(model, path));
  for (let round = 0; round < perStage && free.size > 0; round++) {
    for (const [node, stage] of match(model, { path, priority, free: [...free] })) {
      replicas[stage]?.push(node);
      free.delete(node);
    }
  }
  path.forEach((cut, s) => replicas[s]?.sort(byReadiness(model, cut)));
  return replicas;
}

interface Matching {
  readonly path: readonly Cut[];
  readonly priority: readonly number[];
  readonly free: readonly number[];
}

/** Node -> stage, at most one each; a stage once served stays served (Kuhn, 1955). */
function match(model: CostModel, { path, priority, free }: Matching): Map<number, number> {
  const stageOf = new Map<number, number>();
  const fitting = path.map((cut) => free.filter((node) => model.fits(node, cut.from, cut.to)).sort(byReadiness(model, cut)));
  const serve = (stage: number, tried: Set<number>): boolean => (fitting[stage] ?? []).some((node) => {
    if (tried.has(node)) return false;
    tried.add(node);
    const taken = stageOf.get(node);
    if (taken !== undefined && !serve(taken, tried)) return false;
    stageOf.set(node, stage);
    return true;
  });
  for (const stage of priority) serve(stage, new Set());
  return stageOf;
}

function byReadiness(model: CostModel, cut: Cut): (a: number, b: number) => number {
  const backend = model.nodes[cut.node]?.backend;
  const facts = new Map<number, readonly [fetchMs: number, isOther: number, decodeMs: number]>();
  const of = (node: number): readonly [number, number, number] => {
    const known = facts.get(node);
    if (known !== undefined) return known;
    const { fetchMs, decodeMs } = predictStage(model, { ...cut, node });
    const fresh = [fetchMs, model.nodes[node]?.backend === backend ? 0 : 1, decodeMs] as const;
    facts.set(node, fresh);
    return fresh;
  };
  return (a, b) => {
    const [x, y] = [of(a), of(b)];
    return Math.sign(x[0]) - Math.sign(y[0]) || x[1] - y[1] || x[0] - y[0] || x[2] - y[2] || a - b;
  };
}
