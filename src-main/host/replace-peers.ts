import type { LayerRange, PeerId } from '../base/index.ts';
import { cheapestCover, replaceStage, type Choose, type Loss, type NodeFacts, type PlacedStage, type PlacementRequest, type StageAssignment } from '../pipeline/index.ts';
import { ASSUMED_BYTES_PER_SECOND, cutsOf, nodeFacts, type PeerFacts, type PeerPlacement } from './place-peers.ts';

export type KnownPlan = Pick<PeerPlacement, 'placement' | 'request'> & { readonly peers: readonly PeerFacts[] };

/**
 * Gives a lost range to whom the planner would: who ends an answer soonest by speed, links and memory, the plan's replica where two are alike,
 * else several. Speeds and memory are those of this moment, links those of the plan: nothing is measured while an answer waits. On the
 * backend of before where that is possible, because another one gives other bits.
 *
 * A replica has no head start here: nobody keeps its layers loaded, and everybody who is asked has them on disk.
 *
 * Where nobody holds the range, those count who can fetch it, with the time that takes.
 *
 * @throws PIPELINE_NO_PLACEMENT
 */
export function chooseByPlan(plan: KnownPlan): Choose {
  return (loss) => {
    const { request, stages, index } = problemOf(plan, loss);
    const backend = backendOf(plan, loss);
    const alike = request.nodes.filter((node) => node.backend === backend);
    const replace = (nodes: readonly NodeFacts[]): StageAssignment[] =>
      replaceStage({ ...request, nodes }, { stages }, { stage: index, lost: new Set() }).stages.map(({ peer, addresses, layers }) => ({ peer, addresses, layers }));
    try {
      return replace(alike);
    } catch {
      return replace(request.nodes);
    }
  };
}

const isWithin = ({ first, last }: LayerRange, range: LayerRange): boolean => first >= range.first && last <= range.last;
const isSame = (a: LayerRange, b: LayerRange): boolean => a.first === b.first && a.last === b.last;

function problemOf({ placement, request, peers }: KnownPlan, loss: Loss): { readonly request: PlacementRequest; readonly stages: readonly PlacedStage[]; readonly index: number } {
  const { range, route, kept, chosen, standing, supplies } = loss;
  const gone = { peer: route.find(({ layers }) => isWithin(layers, range))?.peer ?? ('' as PeerId), addresses: [], layers: range };
  // What is lost besides is nobody's yet, and stands between neighbours all the same.
  const others = route.filter((stage) => !kept.includes(stage) && !isWithin(stage.layers, range) && !chosen.some(({ layers }) => isWithin(layers, stage.layers)));
  const needBytes = needOf(request);
  const stages = [...kept, ...chosen, ...others, gone].toSorted((a, b) => a.layers.first - b.layers.first).map((stage): PlacedStage => ({
    ...stage, backend: '', needBytes: needBytes(stage.layers), predicted: NOTHING_PREDICTED,
    replicas: [],
  }));
  // Free memory is told with the standing stages loaded; the planner wants it without.
  const loadedBytes = (peer: PeerId): number => kept.reduce((sum, stage) => sum + (stage.peer === peer ? needBytes(stage.layers) : 0), 0);
  // All shards of a range must come from one cut: that is what a node is told to fetch from.
  const supply = supplies.find(({ shards }) => cheapestCover([], shards, range) !== undefined);
  const replicas = placement.stages.find(({ layers }) => isSame(layers, range))?.replicas ?? [];
  const replicasFirst = standing.toSorted((a, b) => Number(replicas.includes(b.peer)) - Number(replicas.includes(a.peer)));
  const nodes = replicasFirst.map((offer): NodeFacts => ({ ...nodeFacts({ ...offer, bytesPerSecond: peers.find(({ peer }) => peer === offer.peer)?.bytesPerSecond }, { mayFetch: supply !== undefined }), freeBytes: offer.node.freeBytes + loadedBytes(offer.peer) }));
  // A factor against a guess says nothing about what was measured since.
  const isAsPlanned = (peer: PeerId): boolean => peers.find((known) => known.peer === peer)?.node.isMeasured === standing.find((offer) => offer.peer === peer)?.node.isMeasured;
  const edges = route.map(({ layers }) => ({ shards: [{ layers, sizeBytes: 0 }] }));
  return {
    stages, index: stages.findIndex(({ layers }) => isSame(layers, range)),
    request: {
      ...request, nodes, cutsAllowed: cutsOf([...standing, ...edges, { shards: [{ layers: range, sizeBytes: 0 }, ...(supply?.shards.filter(({ layers }) => isWithin(layers, range)) ?? [])] }], request.layers.length),
      corrections: new Map([...(request.corrections ?? [])].filter(([peer]) => isAsPlanned(peer))),
      // Somebody who came later is as far as the farthest.
      unmeasuredLink: { rttMs: Math.max(0, ...request.links.map(({ rttMs }) => rttMs)), bytesPerSecond: ASSUMED_BYTES_PER_SECOND, isRttAssumed: true },
    },
  };
}

/** Weights and KV caches of layers, as the planner counts them. */
const needOf = ({ layers, load }: PlacementRequest) => ({ first, last }: LayerRange): number =>
  layers.slice(first, last + 1).reduce((sum, layer) => sum + layer.weightBytes + layer.kvBytesPerToken * load.contextTokens * load.sessions, 0);

const backendOf = ({ peers }: KnownPlan, { route, range }: Loss): string | undefined => {
  const lost = route.find(({ layers }) => isWithin(layers, range));
  return peers.find(({ peer }) => peer === lost?.peer)?.node.backend;
};

/** Only the stages' places and needs count in a replacement. */
const NOTHING_PREDICTED: PlacedStage['predicted'] = { decodeMs: 0, prefillMsPerToken: 0, fetchMs: 0, correction: { decode: 1, prefill: 1 } };
