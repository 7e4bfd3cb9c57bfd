import type { LayerRange } from '../../base/index.ts';
import type { ModelOffer } from '../../mesh/index.ts';
import type { LocalStore, Manifest } from '../../store/index.ts';
import { MODEL_LIMITS, type LayerMap, type Member } from '../../../src-preload/bridge/index.ts';
import { joined } from '../capability/layer-sets.ts';
import type { ShelvedModel } from './shelf.ts';

type Ranges = readonly (readonly [number, number])[];
type Holder = LayerMap['holders'][number];

export interface HoldersRequest {
  readonly store: LocalStore;
  readonly model: ShelvedModel;
  /** As its header tells; of a model without file, as its cuts do. */
  readonly layers: number;
  readonly self: { readonly peerId: string; readonly offers: readonly ModelOffer[] };
  readonly members: readonly Member[];
}

/** Who has which layers: this node by its store and what it runs, others by what they told of themselves or announced. */
export function layerHolders({ store, model, layers, self, members }: HoldersRequest): LayerMap {
  const hashes = new Set(model.cuts.map(({ manifest }) => manifest.model_hash));
  const holders = new Map<string, Holder>();
  const note = (peerId: string, ranges: { readonly held: Ranges; readonly loaded: Ranges }, more: Partial<Pick<Holder, 'name' | 'isHere'>> = {}): void => {
    const before = holders.get(peerId);
    holders.set(peerId, {
      peerId, isHere: peerId === self.peerId, ...(before?.name === undefined ? {} : { name: before.name }), ...more,
      held: union([...before?.held ?? [], ...ranges.held]), loaded: union([...before?.loaded ?? [], ...ranges.loaded]),
    });
  };
  note(self.peerId, { held: model.path === undefined ? heldHere(store, model) : wholeOf(layers), loaded: self.offers.flatMap((offer) => (hashes.has(offer.hash) ? offer.loaded : [])) });
  for (const { peerId, name, models } of members) {
    for (const { hash, held, loaded } of models) if (hashes.has(hash)) note(peerId, { held: [...held, ...loaded], loaded }, name === undefined ? {} : { name });
  }
  for (const { cid, manifest } of model.cuts) {
    for (const { peer, pieces } of store.catalog.providers.of(cid)) if (pieces !== undefined) note(peer, { held: rangesOf(manifest, (index) => hasBit(pieces, index)), loaded: [] });
  }
  return { layers, holders: [...holders.values()].filter(({ held, loaded, isHere }) => isHere || held.length + loaded.length > 0).slice(0, MODEL_LIMITS.holders) };
}

/** Of a file that is gone nobody knows how many there are. */
const wholeOf = (layers: number): Ranges => (layers === 0 ? [] : [[0, layers - 1]]);

const heldHere = ({ catalog }: LocalStore, { cuts }: ShelvedModel): Ranges =>
  union(cuts.flatMap(({ manifest }) => rangesOf(manifest, (index) => {
    const cid = manifest.shards[index]?.cid ?? '';
    return catalog.derived.has(cid) || catalog.shards.files(cid).some(({ present }) => present === undefined);
  })));

const rangesOf = (manifest: Manifest, has: (index: number) => boolean): Ranges => manifest.shards.filter((_, index) => has(index)).map(({ layer_range: [first, last] }) => [first, last] as const);

const union = (ranges: Ranges): (readonly [number, number])[] => joined(ranges.map(([first, last]): { readonly layers: LayerRange } => ({ layers: { first, last } })));

// As the announcement packs them.
const hasBit = (bytes: Uint8Array, index: number): boolean => (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
