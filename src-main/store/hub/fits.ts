import type { ModelFacts } from './facts.ts';

export interface FitRequest {
  readonly facts: Pick<ModelFacts, 'weightBytes' | 'kvBytesPerToken' | 'split'>;
  readonly contextTokens: number;
  /** Memory free on this machine now. */
  readonly freeBytes: number;
  /** Memory free on peers that could take layers, as they tell. */
  readonly peers: readonly { readonly freeBytes: number }[];
}

export interface FitVerdict {
  readonly fits: 'here' | 'with-peers' | 'no';
  /** Weights, KV cache at the context, and working space of one machine. */
  readonly needBytes: number;
  readonly freeBytes: number;
  /** How many peers besides this machine the layers were placed on; with `with-peers` only. */
  readonly peersNeeded?: number;
  /** E.g. `needs 5.1 GB: you have 3.9 free; with 2 peers yes`. */
  readonly words: string;
}

/** Graph and scratch buffers of each machine that runs layers; what loading a stage reserves too. */
const SCRATCH_BYTES = 128 * 1024 * 1024;

/**
 * Whether a model fits here or, cut by layers, on here and the peers together. Pure. `with-peers` is said only when
 * a placement was found: layers in order, this machine first, then peers from the one with most memory on.
 */
export function whatFits({ facts, contextTokens, freeBytes, peers }: FitRequest): FitVerdict {
  const needBytes = facts.weightBytes + facts.kvBytesPerToken * contextTokens + SCRATCH_BYTES;
  const about = `needs ${gigabytes(needBytes)} GB`;
  if (needBytes <= freeBytes) return { fits: 'here', needBytes, freeBytes, words: `${about}: you have ${gigabytes(freeBytes)} free` };
  const lacks = `${about}: you have ${gigabytes(freeBytes)} free`;
  const peersNeeded = facts.split === undefined ? undefined : placed(facts.split, contextTokens, { freeBytes, peers });
  if (peersNeeded !== undefined) return { fits: 'with-peers', needBytes, freeBytes, peersNeeded, words: `${lacks}; with ${peersNeeded} ${peersNeeded === 1 ? 'peer' : 'peers'} yes` };
  return { fits: 'no', needBytes, freeBytes, words: `${lacks}; ${whyNot(facts, peers)}` };
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

function whyNot({ split }: FitRequest['facts'], peers: FitRequest['peers']): string {
  if (split === undefined) return 'it cannot be split over peers';
  if (peers.length === 0) return 'peers could take layers of it';
  return peers.length === 1 ? 'with the peer you named no' : `with the ${peers.length} peers you named no`;
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
