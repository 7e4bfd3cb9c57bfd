import type { LayerRange } from '../../base/index.ts';
import { MAX_MODELS, MAX_RANGES, type ModelOffer } from '../../mesh/index.ts';
import { label } from './label.ts';

/** Layers of a model that lie here. */
export interface LayersHere {
  readonly modelHash: string;
  readonly modelName?: string | undefined;
  readonly totalLayers: number;
  readonly layers: LayerRange;
}

/** What a node tells of its models: those in memory first, as many as are told. */
export function offersOf({ held, loaded }: { readonly held: readonly LayersHere[]; readonly loaded: readonly Omit<LayersHere, 'modelName' | 'totalLayers'>[] }, others: readonly ModelOffer[] = []): ModelOffer[] {
  const models = Map.groupBy(held, ({ modelHash }) => modelHash);
  const own = [...models].flatMap(([hash, parts]): ModelOffer[] => {
    const { modelName, totalLayers = 0 } = parts[0] ?? {};
    const name = label(modelName ?? '');
    return [{ hash, totalLayers, ...(name === undefined ? {} : { name }), held: joined(parts), loaded: joined(loaded.filter((one) => one.modelHash === hash)) }];
  });
  return [...others, ...own.filter(({ hash }) => !others.some((other) => other.hash === hash))]
    .toSorted((a, b) => Number(b.loaded.length > 0) - Number(a.loaded.length > 0)).slice(0, MAX_MODELS);
}

/** Ranges in order; those that touch or overlap are one. */
export function joined(parts: readonly { readonly layers: LayerRange }[]): (readonly [number, number])[] {
  const out: [number, number][] = [];
  for (const { first, last } of parts.map(({ layers }) => layers).toSorted((a, b) => a.first - b.first)) {
    const before = out.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else out.push([first, last]);
  }
  return out.slice(0, MAX_RANGES);
}
