import type { PeerId } from '../base/index.ts';
import { planPlacement, type LayerFacts, type LinkFacts, type NodeReport, type PeerOffer, type Placement } from '../pipeline/index.ts';

/** A node that could run a part of the model. */
export interface PeerFacts extends PeerOffer {
  readonly node: NodeReport;
  /** Round trip from here, measured. */
  readonly rttMs: number;
}

export interface PlaceRequest {
  readonly layers: readonly LayerFacts[];
  readonly peers: readonly PeerFacts[];
  readonly coordinator: PeerId;
  readonly contextTokens: number;
  readonly batchTokens: number;
}

/** What a boundary costs beside its link, as docs/bench has it. */
const BOUNDARY_MS = 0.15;
/** Rows are small: what a link carries per second matters for long prompts only, and nobody has measured it. */
const LINK_BYTES_PER_SECOND = 12_500_000;
/** What an answer is taken to be when nothing is known of it. */
const USUAL = { promptTokens: 256, answerTokens: 256 };

/** Which peers run which layers, by what they told of themselves and how far away they are. @throws PIPELINE_NO_PLACEMENT, PIPELINE_DOES_NOT_FIT */
export function placeOverPeers({ layers, peers, coordinator, contextTokens, batchTokens }: PlaceRequest): Placement {
  return planPlacement({
    layers, coordinator, batchTokens, boundaryMs: BOUNDARY_MS, cutsAllowed: cutsOf(peers, layers.length), links: linksOf(peers, coordinator),
    load: { ...USUAL, contextTokens, sessions: 1, waitingSessions: 0 },
    nodes: peers.map(({ peer, addresses, shards, node }) => ({
      peer, addresses, backend: node.backend, freeBytes: node.freeBytes, decodeBytesPerSecond: node.decodeBytesPerSecond, prefillFlopsPerSecond: node.prefillBytesPerSecond,
      shards: shards.map((shard) => shard.layers),
    })),
  });
}

/** A stage is a run of whole shards, so that it begins and ends where some shard does. */
function cutsOf(peers: readonly PeerFacts[], layers: number): number[] {
  const edges = peers.flatMap(({ shards }) => shards.flatMap(({ layers: { first, last } }) => [first, last + 1]));
  return [...new Set(edges)].filter((cut) => cut > 0 && cut < layers).toSorted((a, b) => a - b);
}

/** From here to each peer as measured; between two peers as far as the farther of them is from here. */
function linksOf(peers: readonly PeerFacts[], coordinator: PeerId): LinkFacts[] {
  const link = (a: PeerId, b: PeerId, rttMs: number): LinkFacts => ({ a, b, rttMs, bytesPerSecond: LINK_BYTES_PER_SECOND });
  const between = peers.flatMap((one, i) => peers.slice(i + 1).map((other) => link(one.peer, other.peer, Math.max(one.rttMs, other.rttMs))));
  return [...peers.map(({ peer, rttMs }) => link(coordinator, peer, rttMs)), ...between];
}
