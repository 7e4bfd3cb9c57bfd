import type { LayerRange, ManifestCid, PeerId } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { NodeReport, OfferedShard, StageAssignment } from '../ports.ts';

/** The whole shards of one model that one peer offers. */
export interface PeerOffer {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  readonly shards: readonly OfferedShard[];
  /** Of the cut that all of them belong to, where they do. */
  readonly manifestCid?: ManifestCid | undefined;
  /** What it says of itself, where it was asked. */
  readonly node?: NodeReport | undefined;
}

interface Plan {
  readonly largestBytes: number;
  readonly stages: readonly StageAssignment[];
}

/**
 * Covers a range of layers in order with runs of whole shards: fewest stages
 * first (each is a network hop per token), then the smallest largest stage in bytes,
 * then the order of `offers`. A peer may serve more than one stage.
 *
 * @throws PIPELINE_NO_PLACEMENT naming the first layer that cannot be reached.
 */
export function assignRange(offers: readonly PeerOffer[], { first, last }: LayerRange): StageAssignment[] {
  // plans[n] covers layers first..n-1.
  const plans = new Map<number, Plan>([[first, { largestBytes: 0, stages: [] }]]);
  for (let next = first; next <= last; next++) {
    const plan = plans.get(next);
    if (plan === undefined) continue;
    for (const offer of offers) extendPlan(plans, plan, { offer, next, last });
  }
  const whole = plans.get(last + 1);
  if (whole === undefined) throw pipelineErrors.noPlacement({ layer: Math.max(...plans.keys()), totalLayers: last + 1 });
  return [...whole.stages];
}

function extendPlan(plans: Map<number, Plan>, plan: Plan, step: { offer: PeerOffer; next: number; last: number }): void {
  const { offer, next, last } = step;
  for (const run of runsFrom(offer.shards, next)) {
    if (run.layers.last > last) continue;
    const stage = { peer: offer.peer, addresses: offer.addresses, layers: run.layers };
    const longer = { largestBytes: Math.max(plan.largestBytes, run.sizeBytes), stages: [...plan.stages, stage] };
    const known = plans.get(run.layers.last + 1);
    if (known === undefined || isBetter(longer, known)) plans.set(run.layers.last + 1, longer);
  }
}

const isBetter = (a: Plan, b: Plan): boolean =>
  a.stages.length < b.stages.length || (a.stages.length === b.stages.length && a.largestBytes < b.largestBytes);

/** Every run of whole shards that starts at `first`; for each end the one with the fewest bytes. */
function runsFrom(shards: readonly OfferedShard[], first: number): OfferedShard[] {
  const byEnd = new Map<number, number>();
  const sorted = shards.toSorted((a, b) => a.layers.first - b.layers.first || a.layers.last - b.layers.last);
  for (const { layers, sizeBytes } of sorted) {
    const before = layers.first === first ? 0 : byEnd.get(layers.first - 1);
    if (before === undefined) continue;
    byEnd.set(layers.last, Math.min(byEnd.get(layers.last) ?? Infinity, before + sizeBytes));
  }
  return [...byEnd].map(([last, sizeBytes]) => ({ layers: { first, last }, sizeBytes }));
}

/** Whether `layers` is a run of whole shards out of `shards`. */
export const holdsWhole = (shards: readonly OfferedShard[], layers: LayerRange): boolean =>
  runsFrom(shards, layers.first).some((run) => run.layers.last === layers.last);
