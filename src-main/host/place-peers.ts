import { isCoded, type PeerId } from '../base/index.ts';
import { planPlacement, type Corrections, type FetchAbility, type LayerFacts, type LinkFacts, type NodeFacts, type NodeReport, type PeerOffer, type Placement, type PlacementRequest } from '../pipeline/index.ts';

/** A node that could run a part of the model. */
export interface PeerFacts extends PeerOffer {
  readonly node: NodeReport;
  /** Round trip from here, measured. */
  readonly rttMs: number;
  /** From here and back, measured; undefined where it was not. */
  readonly bytesPerSecond: number | undefined;
}

/** A link as it was measured between two peers. */
export interface MeasuredPair {
  readonly a: string;
  readonly b: string;
  readonly rttMs: number;
  readonly bytesPerSecond?: number | undefined;
}

export interface PlaceRequest {
  readonly layers: readonly LayerFacts[];
  readonly peers: readonly PeerFacts[];
  readonly coordinator: PeerId;
  /** Between peers; what is not here is assumed. */
  readonly measured?: readonly MeasuredPair[];
  readonly corrections?: Corrections;
  readonly contextTokens: number;
  readonly batchTokens: number;
  /** Peers that lack layers can fetch each of them, from here. Only where nobody holds some layer are they planned with that. */
  readonly mayFetch?: boolean | undefined;
}

/** A link as the plan takes it, and which of its figures were measured. */
export interface PlanLink extends LinkFacts {
  readonly isRttAssumed: boolean;
  readonly isBandwidthAssumed: boolean;
}

/** A plan, and what it was made of. */
export interface PeerPlacement {
  readonly placement: Placement;
  readonly request: PlacementRequest;
  readonly links: readonly PlanLink[];
}

/** What a boundary costs beside its link, as docs/bench has it. */
const BOUNDARY_MS = 0.15;
/** Of a link that nobody has measured. Rows are small: what it carries matters for long prompts only. */
export const ASSUMED_BYTES_PER_SECOND = 12_500_000;
/** What an answer is taken to be when nothing is known of it. */
const USUAL = { promptTokens: 256, answerTokens: 256 };

/** Who waits for this answer waits for the fetch as well. */
const FETCH_WEIGHT = 1 / USUAL.answerTokens;

/** Which peers run which layers, by what they told of themselves, what they were worth, and how far away they are. @throws PIPELINE_NO_PLACEMENT, PIPELINE_DOES_NOT_FIT */
export function placeOverPeers({ layers, peers, coordinator, measured = [], corrections = new Map(), contextTokens, batchTokens, mayFetch = false }: PlaceRequest): PeerPlacement {
  const links = linksOf(peers, coordinator, measured);
  const request: PlacementRequest = {
    layers, coordinator, batchTokens, links, corrections, boundaryMs: BOUNDARY_MS, cutsAllowed: cutsOf(peers, layers.length),
    load: { ...USUAL, contextTokens, sessions: 1, waitingSessions: 0 },
    nodes: peers.map((peer) => nodeFacts(peer)),
  };
  try {
    return { placement: planPlacement(request), request, links };
  } catch (error) {
    // What is held may be in pieces too large for who holds them.
    if (!mayFetch || !(isCoded(error, 'PIPELINE_NO_PLACEMENT') || isCoded(error, 'PIPELINE_DOES_NOT_FIT'))) throw error;
    const fetching = { ...request, fetchWeight: FETCH_WEIGHT, cutsAllowed: layers.slice(1).map((_, i) => i + 1), nodes: peers.map((peer) => nodeFacts(peer, { mayFetch })) };
    return { placement: planPlacement(fetching), request: fetching, links };
  }
}

/** Prefill speed is told in weights times tokens, which is what `layerFacts` takes for operations. */
export const nodeFacts = ({ peer, addresses, shards, node, bytesPerSecond }: PeerOffer & { readonly node: NodeReport; readonly bytesPerSecond?: number | undefined }, { mayFetch = false } = {}): NodeFacts => ({
  peer, addresses, backend: node.backend, freeBytes: node.freeBytes, decodeBytesPerSecond: node.decodeBytesPerSecond, prefillFlopsPerSecond: node.prefillBytesPerSecond,
  shards: shards.map((shard) => shard.layers),
  ...(mayFetch && node.fetch !== undefined ? { fetchBytesPerSecond: fetchSpeed(node.fetch, bytesPerSecond), fetchLimitBytes: node.fetch.freeBytes } : {}),
});

// Its own measurement is of earlier fetches, from others maybe; where it has none, the link from here says more than an assumption.
const fetchSpeed = ({ bytesPerSecond, isMeasured }: FetchAbility, linkBytesPerSecond = bytesPerSecond): number => (isMeasured ? bytesPerSecond : linkBytesPerSecond);

/** A stage is a run of whole shards, so that it begins and ends where some shard does. */
export function cutsOf(peers: readonly Pick<PeerOffer, 'shards'>[], layers: number): number[] {
  const edges = peers.flatMap(({ shards }) => shards.flatMap(({ layers: { first, last } }) => [first, last + 1]));
  return [...new Set(edges)].filter((cut) => cut > 0 && cut < layers).toSorted((a, b) => a - b);
}

/** As measured; a way between two peers that was not is taken to be as long as the farther of them is from here. The coordinator may be one of the peers. */
function linksOf(peers: readonly PeerFacts[], coordinator: PeerId, measured: readonly MeasuredPair[]): PlanLink[] {
  const link = (a: PeerId, b: PeerId, known: { readonly rttMs: number; readonly bytesPerSecond?: number | undefined; readonly isRttAssumed: boolean }): PlanLink => ({
    a, b, rttMs: known.rttMs, bytesPerSecond: known.bytesPerSecond ?? ASSUMED_BYTES_PER_SECOND, isRttAssumed: known.isRttAssumed, isBandwidthAssumed: known.bytesPerSecond === undefined,
  });
  const others = peers.filter(({ peer }) => peer !== coordinator);
  const between = others.flatMap((one, i) => others.slice(i + 1).map((other) => {
    const pair = measured.find(({ a, b }) => (a === one.peer && b === other.peer) || (a === other.peer && b === one.peer));
    return link(one.peer, other.peer, pair === undefined ? { rttMs: Math.max(one.rttMs, other.rttMs), isRttAssumed: true } : { ...pair, isRttAssumed: false });
  }));
  return [...others.map(({ peer, rttMs, bytesPerSecond }) => link(coordinator, peer, { rttMs, bytesPerSecond, isRttAssumed: false })), ...between];
}
