import type { LayerRange } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import type { LayerSupply, OfferedShard, StageAssignment } from '../ports.ts';
import { holdsWhole, type PeerOffer } from './assign.ts';

/** What has to be fetched so that a range is held whole. */
export interface Cover<T extends OfferedShard> {
  /** In order of layers; empty: the range is held. */
  readonly fetch: readonly T[];
  readonly bytes: number;
}

/**
 * The fewest bytes of `offered` shards that, with those held, make up a range as a run of whole shards, which may
 * come from different cuts. Undefined where there is no such run.
 */
export function cheapestCover<T extends OfferedShard>(held: readonly OfferedShard[], offered: readonly T[], { first, last }: LayerRange): Cover<T> | undefined {
  // covers[n] makes up layers first..n-1.
  const covers = new Map<number, Cover<T>>([[first, { fetch: [], bytes: 0 }]]);
  const extend = (to: number, cover: Cover<T>): void => {
    const known = covers.get(to);
    if (to <= last + 1 && (known === undefined || cover.bytes < known.bytes)) covers.set(to, cover);
  };
  for (let next = first; next <= last; next++) {
    const cover = covers.get(next);
    if (cover === undefined) continue;
    for (const { layers } of held) if (layers.first === next) extend(layers.last + 1, cover);
    for (const shard of offered) if (shard.layers.first === next) extend(shard.layers.last + 1, { fetch: [...cover.fetch, shard], bytes: cover.bytes + shard.sizeBytes });
  }
  return covers.get(last + 1);
}

/** The supply that costs a peer the fewest bytes for these layers. */
export function cheapestSupply(held: readonly OfferedShard[], supplies: readonly LayerSupply[], layers: LayerRange): { readonly supply: LayerSupply; readonly bytes: number } | undefined {
  const ways = supplies.flatMap((supply) => {
    const cover = cheapestCover(held, supply.shards, layers);
    return cover === undefined ? [] : [{ supply, bytes: cover.bytes }];
  });
  return ways.toSorted((a, b) => a.bytes - b.bytes)[0];
}

/** Tells each stage whose peer does not hold its layers where to fetch them from. @throws PIPELINE_NO_PLACEMENT where no supply has them */
export function withFetches(stages: readonly StageAssignment[], peers: readonly PeerOffer[], supplies: readonly LayerSupply[]): StageAssignment[] {
  return stages.map((stage) => {
    const known = peers.find(({ peer }) => peer === stage.peer);
    if (holdsWhole(known?.shards ?? [], stage.layers)) return stage;
    const way = cheapestSupply(known?.shards ?? [], supplies, stage.layers);
    if (way === undefined) throw pipelineErrors.noPlacement({ layer: stage.layers.first, totalLayers: (stages.at(-1)?.layers.last ?? 0) + 1 });
    const { manifestCid, sources } = way.supply;
    const bytesPerSecond = known?.node?.fetch?.bytesPerSecond;
    return { ...stage, fetch: { manifestCid, sources: sources.filter(({ peer }) => peer !== stage.peer), bytes: way.bytes, ...(bytesPerSecond === undefined ? {} : { ms: 1000 * way.bytes / bytesPerSecond }) } };
  });
}
