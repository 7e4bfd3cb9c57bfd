import { asPeerId, type LayerRange, type PeerId } from '../../base/index.ts';
import type { NodeOffers, OffersRequest } from '../coordinator/coordinator.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { apartFromLost, coverLost } from './boundaries.ts';
import { assignRange, holdsWhole, type PeerOffer } from '../placement/assign.ts';
import type { NodeReport, StageAssignment, StageOffer } from '../ports.ts';

export interface RerouteRequest {
  readonly route: readonly StageAssignment[];
  /** Stages that failed, in order of time; a later one may belong to a route in between. */
  readonly lost: readonly StageRef[];
  /** Stages that run, and should be replaced if somebody else can. */
  readonly avoid: readonly StageRef[];
  readonly signal: AbortSignal;
}

/** Finds stages for all layers after a loss. @throws PIPELINE_NO_PLACEMENT */
export type Reroute = (request: RerouteRequest) => Promise<readonly StageAssignment[]>;

export interface Candidate {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

/** A peer that answers, with what it holds of the model and is able to do now. */
export interface StandingPeer extends PeerOffer {
  readonly node: NodeReport;
}

/** A range of layers that nobody computes any more. */
export interface Loss {
  readonly range: LayerRange;
  /** As it was. */
  readonly route: readonly StageAssignment[];
  /** Its stages that stand: loaded, and to stay. */
  readonly kept: readonly StageAssignment[];
  /** Taken on already for other lost ranges, not yet loaded. */
  readonly chosen: readonly StageAssignment[];
  /** Without those that failed. */
  readonly standing: readonly StandingPeer[];
}

/** Who takes a lost range; asks nobody, because an answer waits for it. @throws where it knows of nobody */
export type Choose = (loss: Loss) => readonly StageAssignment[];

export interface RerouteInit {
  readonly modelHash: string;
  readonly queryOffers: (request: OffersRequest) => Promise<readonly StageOffer[]>;
  /** Peers that may take over, besides those of the route. Asked at every loss, with the peers that failed. */
  readonly candidates: (lost: readonly PeerId[]) => readonly Candidate[] | Promise<readonly Candidate[]>;
  /** How long a peer may take to tell what it holds: who does not answer now is no help. */
  readonly timeoutMs: number;
  /** Chooses by more than shards, before anything else is tried; for routes that were planned. */
  readonly planner?: { readonly queryNode: (request: OffersRequest) => Promise<NodeOffers>; readonly choose: Choose } | undefined;
}

/**
 * Keeps the stages that stand and gives each lost range to whom the planner chooses. Without one, or where it knows of nobody, to peers
 * that hold its shards: to one that runs no stage yet where there is one, else to one that does, and only when nobody else can, to a peer that failed before and answers again.
 * Where hidden states are rounded, the boundary stays (`coverLost`).
 */
export function createReroute(init: RerouteInit): Reroute {
  return async ({ route, lost, avoid, signal }) => {
    const failed = new Set([...lost, ...avoid].map(({ peer }) => asPeerId(peer)));
    const everybody = unique([...await init.candidates(lost.map(({ peer }) => asPeerId(peer))), ...route]);
    const standing = await allOffers(init, everybody.filter(({ peer }) => !failed.has(peer)), signal);
    const holds = ({ peer, layers }: StageAssignment): boolean => holdsWhole(standing.find((offer) => offer.peer === peer)?.shards ?? [], layers);
    const kept = route.filter(holds);
    const fill = (offers: readonly PeerOffer[], stay = kept): StageAssignment[] => coverLost(route, stay, (range) => assignRange(offers, range));
    const planned = plannedRoute(init, { route, kept, standing });
    if (planned !== undefined) return planned;
    const idle = standing.filter(({ peer }) => !kept.some((stage) => stage.peer === peer));
    for (const offers of [idle, standing]) {
      try {
        return fill(offers);
      } catch {
        // Tried again with more peers.
      }
    }
    // Asked last: one that is frozen costs the whole time to answer.
    const all = [...standing, ...await allOffers(init, everybody.filter(({ peer }) => failed.has(peer)), signal)];
    try {
      return fill(all);
    } catch {
      // Who holds a range that was split before may hold it as one shard only.
      return fill(all, apartFromLost(route, kept));
    }
  };
}

function plannedRoute({ planner }: RerouteInit, { route, kept, standing }: Pick<Loss, 'route' | 'kept'> & { readonly standing: readonly Standing[] }): StageAssignment[] | undefined {
  if (planner === undefined) return undefined;
  const known = standing.flatMap(({ node, ...offer }) => (node === undefined ? [] : [{ ...offer, node }]));
  const chosen: StageAssignment[] = [];
  try {
    return coverLost(route, kept, (range) => {
      const stages = planner.choose({ range, route, kept, chosen: [...chosen], standing: known });
      chosen.push(...stages);
      return stages;
    });
  } catch {
    // Who holds the layers is better than nobody.
    return undefined;
  }
}

/** With what it is able to do, where that was asked for. */
type Standing = PeerOffer & { readonly node: NodeReport | undefined };

const unique = (candidates: readonly Candidate[]): Candidate[] => [...new Map(candidates.map((candidate) => [candidate.peer, candidate])).values()];

async function allOffers({ modelHash, queryOffers, timeoutMs, planner }: RerouteInit, candidates: readonly Candidate[], signal: AbortSignal): Promise<Standing[]> {
  const ask = async (request: OffersRequest): Promise<{ readonly offers: readonly StageOffer[]; readonly node: NodeReport | undefined }> =>
    (planner === undefined ? { offers: await queryOffers(request), node: undefined } : planner.queryNode(request));
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const answers = await Promise.all(candidates.map(async ({ peer, addresses }): Promise<Standing | undefined> => {
    const answer = await ask({ peer, addresses, signal: within }).catch(() => undefined);
    const held = answer?.offers.find((offer) => offer.modelHash === modelHash);
    return answer === undefined || held === undefined ? undefined : { peer, addresses, shards: held.shards, node: answer.node };
  }));
  if (signal.aborted) throw pipelineErrors.cancelled({});
  return answers.filter((offer) => offer !== undefined);
}
