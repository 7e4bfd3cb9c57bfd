import type { LayerRange, PeerId } from '../../base/index.ts';
import type { OffersRequest } from '../coordinator/coordinator.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { assignRange, holdsWhole, type PeerOffer } from '../placement/assign.ts';
import type { StageAssignment, StageOffer } from '../ports.ts';

export interface RerouteRequest {
  readonly route: readonly StageAssignment[];
  /** Stages that failed, in order of time; a later one may belong to a route in between. */
  readonly lost: readonly StageRef[];
  readonly signal: AbortSignal;
}

/** Finds stages for all layers after a loss. @throws PIPELINE_NO_PLACEMENT */
export type Reroute = (request: RerouteRequest) => Promise<readonly StageAssignment[]>;

export interface Candidate {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

export interface RerouteInit {
  readonly modelHash: string;
  readonly queryOffers: (request: OffersRequest) => Promise<readonly StageOffer[]>;
  /** Peers that may take over, besides those of the route. Asked at every loss. */
  readonly candidates: () => readonly Candidate[] | Promise<readonly Candidate[]>;
  /** How long a peer may take to tell what it holds: who does not answer now is no help. */
  readonly timeoutMs: number;
}

/**
 * Keeps the stages that stand and gives each lost range to peers that hold its shards: to one that runs no stage yet
 * where there is one, else to one that does, and only when nobody else can, to a peer that failed before and answers again.
 */
export function createReroute(init: RerouteInit): Reroute {
  return async ({ route, lost, signal }) => {
    const failed = new Set(lost.map(({ peer }) => peer));
    const kept = route.filter(({ peer }) => !failed.has(peer));
    const offers = await allOffers(init, [...await init.candidates(), ...route], signal);
    const inUse = new Set(kept.map(({ peer }) => peer));
    const rank = ({ peer }: PeerOffer): number => (failed.has(peer) ? 2 : inUse.has(peer) ? 1 : 0);
    const answering = kept.filter(({ peer, layers }) => holdsWhole(offers.find((offer) => offer.peer === peer)?.shards ?? [], layers));
    const gaps = gapsIn(answering, route);
    return [...answering, ...gaps.flatMap((gap) => cover(gap, offers, rank))].toSorted((a, b) => a.layers.first - b.layers.first);
  };
}

/** The worst rank that is needed is kept as low as possible; within it, as `assignRange` chooses. */
function cover(gap: LayerRange, offers: readonly PeerOffer[], rank: (offer: PeerOffer) => number): StageAssignment[] {
  for (const worst of [0, 1]) {
    try {
      return assignRange(offers.filter((offer) => rank(offer) <= worst), gap);
    } catch {
      // Tried again with more peers.
    }
  }
  return assignRange(offers.toSorted((a, b) => rank(a) - rank(b)), gap);
}

async function allOffers({ modelHash, queryOffers, timeoutMs }: RerouteInit, candidates: readonly Candidate[], signal: AbortSignal): Promise<PeerOffer[]> {
  const peers = [...new Map(candidates.map((candidate) => [candidate.peer, candidate])).values()];
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const answers = await Promise.all(peers.map(async ({ peer, addresses }): Promise<PeerOffer | undefined> => {
    const offers = await queryOffers({ peer, addresses, signal: within }).catch(() => undefined);
    const held = offers?.find((offer) => offer.modelHash === modelHash);
    return held === undefined ? undefined : { peer, addresses, shards: held.shards };
  }));
  if (signal.aborted) throw pipelineErrors.cancelled({});
  return answers.filter((offer) => offer !== undefined);
}

/** The runs of layers of `route` that no kept stage covers, in order. */
function gapsIn(kept: readonly StageAssignment[], route: readonly StageAssignment[]): LayerRange[] {
  const last = route.at(-1)?.layers.last ?? -1;
  const gaps: LayerRange[] = [];
  let next = 0;
  for (const { layers } of [...kept, { layers: { first: last + 1, last: last + 1 } }]) {
    if (layers.first > next) gaps.push({ first: next, last: layers.first - 1 });
    next = layers.last + 1;
  }
  return gaps;
}
