import type { RouteStage } from '../coordinator/boundaries.ts';
import type { StageAssignment } from '../ports.ts';

export interface RouteChange {
  /** Those that were not in the route before. */
  readonly stages: readonly StageAssignment[];
  /** A short sentence for each. */
  readonly explanation: readonly string[];
}

/** Who takes over which layers, and whether they lie on its disk or have to be fetched. */
export function explainRoute(before: readonly RouteStage[], next: readonly RouteStage[]): RouteChange {
  const stages = next.filter(({ peer, layers }) => !before.some((stage) => stage.peer === peer && stage.layers.first === layers.first && stage.layers.last === layers.last));
  return { stages, explanation: stages.map(sentence) };
}

function sentence({ peer, layers, fetch }: StageAssignment): string {
  const takes = `peer ${peer} takes layers ${layers.first}-${layers.last}`;
  if (fetch === undefined) return `${takes}, which it has on disk`;
  const time = fetch.ms === undefined ? '' : `, about ${Math.ceil(fetch.ms / 1000)} s`;
  return `${takes}: nobody else has them on disk, it fetches ${(fetch.bytes / 1e6).toFixed(1)} MB of them from ${fetch.sources.length} peer${fetch.sources.length === 1 ? '' : 's'}${time}`;
}
