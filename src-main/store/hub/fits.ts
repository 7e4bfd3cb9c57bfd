import type { ModelFacts } from './facts.ts';

export interface FitPeer {
  /** Memory that layers may take there, as it tells. */
  readonly freeBytes: number;
  /** The user named it; else it is known to the mesh, and was asked because of that. */
  readonly isNamed: boolean;
}

/** Known peers that were asked and cannot be counted on. */
export interface FitAbsent {
  readonly silent: number;
  /** They answered that they take no layers, or not for this node. */
  readonly unwilling: number;
}

export interface FitRequest {
  readonly facts: Pick<ModelFacts, 'weightBytes' | 'kvBytesPerToken' | 'split'>;
  readonly contextTokens: number;
  /** Memory free on this machine now. */
  readonly freeBytes: number;
  /** Peers that could take layers. */
  readonly peers: readonly FitPeer[];
  /** None when absent. */
  readonly absent?: FitAbsent;
}

export interface FitVerdict {
  readonly fits: 'here' | 'with-peers' | 'no';
  /** Weights, KV cache at the context, and working space of one machine. */
  readonly needBytes: number;
  readonly freeBytes: number;
  /** How many peers besides this machine the layers were placed on; with `with-peers` only. */
  readonly peersNeeded?: number;
  /** E.g. `needs 5.1 GB: you have 3.9 free; with 2 peers yes (counted: 3 known; 1 known did not answer)`. */
  readonly words: string;
}

/** Graph and scratch buffers of each machine that runs layers; what loading a stage reserves too. */
const SCRATCH_BYTES = 128 * 1024 * 1024;
/** Parts of a model of which only the size is known. Most have more layers, so that smaller remainders are used. */
const ASSUMED_LAYERS = 16;

/**
 * Whether a model fits here or, cut by layers, on here and the peers together. Pure. `with-peers` is said only when
 * a placement was found: layers in order, this machine first, then peers from the one with most memory on.
 */
export function whatFits({ facts, contextTokens, freeBytes, peers, absent }: FitRequest): FitVerdict {
  const needBytes = facts.weightBytes + facts.kvBytesPerToken * contextTokens + SCRATCH_BYTES;
  const about = `needs ${gigabytes(needBytes)} GB`;
  if (needBytes <= freeBytes) return { fits: 'here', needBytes, freeBytes, words: `${about}: you have ${gigabytes(freeBytes)} free` };
  const lacks = `${about}: you have ${gigabytes(freeBytes)} free`;
  const peersNeeded = facts.split === undefined ? undefined : placed(facts.split, contextTokens, { freeBytes, peers });
  const asked = facts.split === undefined ? '' : askedWords(peers, absent);
  if (peersNeeded !== undefined) return { fits: 'with-peers', needBytes, freeBytes, peersNeeded, words: `${lacks}; with ${peersNeeded} ${peersNeeded === 1 ? 'peer' : 'peers'} yes${asked}` };
  return { fits: 'no', needBytes, freeBytes, words: `${lacks}; ${whyNot(facts, peers)}${asked}` };
}

/** The same of a model of which only the size is known: its weights alone, in equal parts. */
export const whatFitsBySize = (sizeBytes: number, { freeBytes, peers }: Pick<FitRequest, 'freeBytes' | 'peers'>): Pick<FitVerdict, 'fits' | 'peersNeeded'> => {
  const split = Array.from({ length: ASSUMED_LAYERS }, () => ({ weightBytes: sizeBytes / ASSUMED_LAYERS, kvBytesPerToken: 0 }));
  const { fits, peersNeeded } = whatFits({ facts: { weightBytes: sizeBytes, kvBytesPerToken: 0, split }, contextTokens: 0, freeBytes, peers });
  return { fits, ...(peersNeeded === undefined ? {} : { peersNeeded }) };
};

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

function whyNot({ split }: FitRequest['facts'], peers: FitRequest['peers']): string {
  if (split === undefined) return 'it cannot be split over peers';
  const [first] = peers;
  if (first === undefined) return 'peers could take layers of it';
  const areAlike = peers.every(({ isNamed }) => isNamed === first.isNamed);
  const count = peers.length === 1 ? 'the peer' : `the ${peers.length} peers`;
  return areAlike && first.isNamed ? `with ${count} you named no` : `with ${count} that could no`;
}

/** Who was counted and who was not, where others than the named ones were asked. */
function askedWords(peers: readonly FitPeer[], { silent, unwilling }: FitAbsent = { silent: 0, unwilling: 0 }): string {
  const named = peers.filter(({ isNamed }) => isNamed).length;
  const known = peers.length - named;
  if (known + silent + unwilling === 0) return '';
  const counted = [...(named > 0 ? [`${named} named`] : []), `${known} known`].join(', ');
  return ` (counted: ${counted}${silent > 0 ? `; ${silent} known did not answer` : ''}${unwilling > 0 ? `; ${unwilling} known ${unwilling === 1 ? 'takes' : 'take'} no layers` : ''})`;
}

/** How many peers get layers; undefined when not all layers find a place. */
function placed(layers: NonNullable<ModelFacts['split']>, contextTokens: number, { freeBytes, peers }: Pick<FitRequest, 'freeBytes' | 'peers'>): number | undefined {
  const sizes = layers.map((layer) => layer.weightBytes + layer.kvBytesPerToken * contextTokens);
  const others = peers.map((peer) => peer.freeBytes).toSorted((a, b) => b - a);
  let [layer, used] = [0, 0];
  for (const [index, free] of [freeBytes, ...others].entries()) {
    const before = layer;
    for (let left = free - SCRATCH_BYTES; layer < sizes.length && (sizes[layer] ?? 0) <= left; layer++) left -= sizes[layer] ?? 0;
    if (layer > before && index > 0) used++;
    if (layer === sizes.length) return used;
  }
  return undefined;
}
