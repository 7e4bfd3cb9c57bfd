import { asPeerId, isCoded, type LayerRange, type PeerId } from '../../base/index.ts';
import type { NodeOffers, OffersRequest } from '../coordinator/coordinator.ts';
import { pipelineErrors, type StageRef } from '../errors.ts';
import { apartFromLost, coverLost } from './boundaries.ts';
import { assignRange, holdsWhole, type PeerOffer } from '../placement/assign.ts';
import { withFetches } from '../placement/supply.ts';
import type { LayerSupply, NodeReport, StageAssignment, StageOffer } from '../ports.ts';
import { fetchOffers, noRoom, withoutFetch } from './fetch-offers.ts';

export interface RerouteRequest {
  readonly route: readonly StageAssignment[];
  /** Stages that failed, in order of time; a later one may belong to a route in between. */
  readonly lost: readonly StageRef[];
  /** Stages that run, and should be replaced if somebody else can. */
  readonly avoid: readonly StageRef[];
  /** Peers that were to fetch layers and did not get them: they are asked only for what they hold. */
  readonly unfetched?: readonly string[];
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
  /** What those that fetch layers can fetch; empty while somebody may hold the range. */
  readonly supplies: readonly LayerSupply[];
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
  /** What those who hold nothing of the range may fetch, and from whom; without it nobody is asked to fetch. */
  readonly fetching?: { readonly queryNode: (request: OffersRequest) => Promise<NodeOffers>; readonly supplies: (standing: readonly PeerOffer[]) => Promise<readonly LayerSupply[]> } | undefined;
}

/**
 * Keeps the stages that stand and gives each lost range to whom the planner chooses. Without one, or where it knows of nobody, to peers
 * that hold its shards: to one that runs no stage yet where there is one, else to one that does, and only when nobody else can, to a peer that failed before and answers again.
 * Where hidden states are rounded, the boundary stays (`coverLost`).
 *
 * Layers that nobody holds are fetched by the peer that has them soonest: after a peer that failed once was asked whether it is back,
 * for that takes seconds at most, and before one that failed again. A stage that is only slow is not worth a fetch.
 */
export function createReroute(init: RerouteInit): Reroute {
  return async ({ route, lost, avoid, unfetched = [], signal }) => {
    const failed = new Set([...lost, ...avoid].map(({ peer }) => asPeerId(peer)));
    const everybody = unique([...await init.candidates(lost.map(({ peer }) => asPeerId(peer))), ...route]);
    const standing = await allOffers(init, everybody.filter(({ peer }) => !failed.has(peer)), signal);
    const holds = ({ peer, layers }: StageAssignment): boolean => holdsWhole(standing.find((offer) => offer.peer === peer)?.shards ?? [], layers);
    const kept = route.filter(holds);
    const fill = (offers: readonly PeerOffer[], stay = kept): StageAssignment[] => coverLost(route, stay, (range) => assignRange(offers, range));
    const idle = standing.filter(({ peer }) => !kept.some((stage) => stage.peer === peer));
    // Asked only when nobody else has the layers: one that is frozen costs the whole time to answer.
    const failedOffers = once(() => allOffers(init, everybody.filter(({ peer }) => failed.has(peer)), signal));
    const isOnce = ({ peer }: PeerOffer): boolean => lost.filter((stage) => stage.peer === peer).length < 2;
    const fetchers = standing.map((offer) => (unfetched.includes(offer.peer) ? withoutFetch(offer) : offer));
    return firstRoute([
      () => plannedRoute(init, { route, kept, standing, supplies: [] }),
      () => fill(idle),
      () => fill(standing),
      async () => fill([...standing, ...(await failedOffers()).filter(isOnce)]),
      ...(avoid.length > 0 ? [] : [() => fetchedRoute(init, { route, kept, standing: fetchers })]),
      async () => fill([...standing, ...await failedOffers()]),
      // Who holds a range that was split before may hold it as one shard only.
      async () => fill([...standing, ...await failedOffers()], apartFromLost(route, kept)),
    ], signal);
  };
}

type Route = readonly StageAssignment[];
type Lost = Pick<Loss, 'route' | 'kept'> & { readonly standing: readonly PeerOffer[] };

/** The first that there is; else why there is none, where peers would fetch it and cannot in their own words. */
async function firstRoute(ways: readonly (() => Route | Promise<Route>)[], signal?: AbortSignal): Promise<Route> {
  let failure: unknown;
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      if (signal?.aborted === true) throw error;
      failure = isCoded(failure, 'PIPELINE_NO_ROOM_TO_FETCH') ? failure : error;
    }
  }
  throw failure;
}

/** Nobody holds the layers: who can fetch them does. */
async function fetchedRoute(init: RerouteInit, lost: Lost): Promise<Route> {
  const { route, kept, standing } = lost;
  const supplies = await init.fetching?.supplies(standing) ?? [];
  const cover = (range: LayerRange): Route => {
    try {
      return assignRange(fetchOffers(standing, range, supplies), range);
    } catch (error) {
      throw noRoom(standing, range, supplies) ?? error;
    }
  };
  return firstRoute([
    () => withFetches(plannedRoute(init, { ...lost, supplies }), standing, supplies),
    () => withFetches(coverLost(route, kept, cover), standing, supplies),
  ]);
}

/** @throws where there is no planner, or it knows of nobody */
function plannedRoute({ planner }: RerouteInit, { route, kept, standing, supplies }: Lost & Pick<Loss, 'supplies'>): Route {
  if (planner === undefined) throw pipelineErrors.noPlacement({ layer: 0, totalLayers: (route.at(-1)?.layers.last ?? 0) + 1 });
  const known = standing.flatMap(({ node, ...offer }) => (node === undefined ? [] : [{ ...offer, node }]));
  const chosen: StageAssignment[] = [];
  return coverLost(route, kept, (range) => {
    const stages = planner.choose({ range, route, kept, chosen: [...chosen], standing: known, supplies });
    chosen.push(...stages);
    return stages;
  });
}

const unique = (candidates: readonly Candidate[]): Candidate[] => [...new Map(candidates.map((candidate) => [candidate.peer, candidate])).values()];

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function allOffers({ modelHash, queryOffers, timeoutMs, planner, fetching }: RerouteInit, candidates: readonly Candidate[], signal: AbortSignal): Promise<PeerOffer[]> {
  const queryNode = planner?.queryNode ?? fetching?.queryNode;
  const ask = async (request: OffersRequest): Promise<Pick<NodeOffers, 'offers'> & Partial<NodeOffers>> => (queryNode === undefined ? { offers: await queryOffers(request) } : queryNode(request));
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const answers = await Promise.all(candidates.map(async ({ peer, addresses }): Promise<PeerOffer | undefined> => {
    const answer = await ask({ peer, addresses, signal: within }).catch(() => undefined);
    const held = answer?.offers.find((offer) => offer.modelHash === modelHash);
    // Who holds nothing of the model may fetch it.
    if (answer === undefined || (held === undefined && answer.node?.fetch === undefined)) return undefined;
    return { peer, addresses, shards: held?.shards ?? [], manifestCid: held?.manifestCid, node: answer.node };
  }));
  if (signal.aborted) throw pipelineErrors.cancelled({});
  return answers.filter((offer) => offer !== undefined);
}
