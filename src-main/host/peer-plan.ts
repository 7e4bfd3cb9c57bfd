import { endsIn, isCoded, systemClock, type Clock, type CodedError, type PeerId } from '../base/index.ts';
import type { LayerFacts } from '../pipeline/index.ts';
import type { Node } from './node.ts';
import { placeOverPeers, type MeasuredPair, type PeerFacts, type PeerPlacement } from './place-peers.ts';
import { correctionsFor, freshLinks, isLink, readPlannerMemory, SELF, updatePlannerMemory, withLinks, type LinkMemory, type PlannerMemory } from './planner-memory.ts';
import { surveyLinks } from './survey-links.ts';

export interface PeerPlanRequest {
  readonly home: string;
  readonly addresses: readonly string[];
  readonly modelHash: string;
  readonly layers: readonly LayerFacts[];
  readonly contextTokens: number;
  /** Most rows of a prompt's micro-batch. */
  readonly batchTokens: number;
  /** How long links between peers may be measured; what is not known by then is assumed. */
  readonly surveyMs: number;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** This very node is one of those that may run stages. */
  readonly withSelf?: boolean | undefined;
  /** Peers may fetch from here what nobody holds. */
  readonly mayFetch?: boolean;
}

export interface PeerPlan extends PeerPlacement {
  readonly peers: readonly PeerFacts[];
  readonly modelHash: string;
  readonly memory: PlannerMemory;
}

interface FoundPeer extends Omit<PeerFacts, 'rttMs' | 'bytesPerSecond'> {
  readonly knowsLinks: boolean;
}

/** Asks every peer what it holds of the model and is able to do, measures how far they are from here and from each other, and plans with that. */
export async function planOverPeers(node: Node, { clock = systemClock, ...request }: PeerPlanRequest): Promise<PeerPlan> {
  const { home, modelHash, layers, contextTokens, signal } = request;
  const nowMs = clock.now();
  const memory = await readPlannerMemory(home, { logger: node.logger, nowMs });
  const known = freshLinks(memory, nowMs);
  const found = [...request.withSelf === true ? [await askSelf(node, request)] : [], ...await findPeers(node, request)];
  const own = await ownLinks(node, { found, known, signal });
  const between = await surveyLinks(found.filter(({ peer }) => peer !== node.mesh.peerId), {
    coordinator: node.coordinator, isKnown: (a, b) => known.some((link) => isLink(link, a, b)), budgetMs: request.surveyMs, signal,
  });
  const fresh = [...own.measured, ...between].map(({ a, b, rttMs, bytesPerSecond, ageMs }): LinkMemory => ({ a, b, rttMs, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }), atMs: nowMs - ageMs }));
  if (fresh.length > 0) await updatePlannerMemory(home, (now) => withLinks(now, fresh), { logger: node.logger, nowMs });
  const measured: readonly MeasuredPair[] = [...fresh, ...known];
  const placed = placeOverPeers({
    layers, peers: own.peers, coordinator: node.mesh.peerId, measured, corrections: correctionsFor(memory, modelHash, own.peers), contextTokens, batchTokens: request.batchTokens, mayFetch: request.mayFetch,
  });
  return { ...placed, peers: own.peers, modelHash, memory };
}

type Asked = Pick<PeerPlanRequest, 'addresses' | 'modelHash' | 'signal' | 'withSelf'>;

/** Peers as they describe themselves, without those whose owner does not let them serve now. @throws PIPELINE_STAGE_LEFT where that is all of them */
async function findPeers(node: Node, { addresses, ...asked }: Asked): Promise<FoundPeer[]> {
  const refusals: CodedError[] = [];
  const found = await Promise.all(addresses.map((address) => findPeer(node, address, asked).catch((error: unknown) => {
    if (!isCoded(error, 'PIPELINE_STAGE_LEFT')) throw error;
    node.logger.warn({ code: error.code, reason: error.message }, 'a peer is passed by');
    refusals.push(error);
    return undefined;
  })));
  const peers = found.filter((peer) => peer !== undefined);
  if (peers.length === 0 && asked.withSelf !== true && refusals[0] !== undefined) throw refusals[0];
  return peers;
}

async function findPeer(node: Node, address: string, { modelHash, signal }: Omit<Asked, 'addresses'>): Promise<FoundPeer> {
  const peer = await node.mesh.dial(address, { signal });
  return ask(node, { peer, addresses: [address] }, { modelHash, signal });
}

/** Reached without the network; neighbours in the ring dial it. */
function askSelf(node: Node, asked: Omit<Asked, 'addresses'>): Promise<FoundPeer> {
  const { mesh } = node;
  return ask(node, { peer: mesh.peerId, addresses: mesh.addresses().filter((address) => endsIn(address, mesh.peerId)) }, asked);
}

async function ask(node: Node, { peer, addresses }: Pick<FoundPeer, 'peer' | 'addresses'>, { modelHash, signal }: Omit<Asked, 'addresses'>): Promise<FoundPeer> {
  const { offers, node: report, knowsLinks } = await node.coordinator.queryNode({ peer, addresses, signal });
  const held = offers.find((offer) => offer.modelHash === modelHash);
  return { peer, addresses, shards: held?.shards ?? [], manifestCid: held?.manifestCid, node: report, knowsLinks };
}

interface OwnLinks {
  readonly peers: PeerFacts[];
  /** Those that were not remembered. */
  readonly measured: { readonly a: string; readonly b: PeerId; readonly rttMs: number; readonly bytesPerSecond: number | undefined; readonly ageMs: number }[];
}

/** How far everybody is from here, each time, and what the ways carry, where that is not remembered. Nothing else goes over them meanwhile. */
async function ownLinks(node: Node, { found, known, signal }: { readonly found: readonly FoundPeer[]; readonly known: readonly LinkMemory[]; readonly signal: AbortSignal }): Promise<OwnLinks> {
  const isSelf = (peer: PeerId): boolean => peer === node.mesh.peerId;
  const rttsMs = await Promise.all(found.map(async ({ peer }) => (isSelf(peer) ? 0 : await node.links.rtt(peer, signal))));
  const measured: OwnLinks['measured'] = [];
  const peers = await Promise.all(found.map(async (facts, i): Promise<PeerFacts> => {
    const { peer } = facts;
    const rttMs = rttsMs[i] ?? 0;
    const remembered = known.find((link) => isLink(link, SELF, peer))?.bytesPerSecond;
    if (isSelf(peer)) return { ...facts, rttMs, bytesPerSecond: undefined };
    if (remembered !== undefined) return { ...facts, rttMs, bytesPerSecond: remembered };
    const bytesPerSecond = await node.links.bandwidth(peer, signal);
    measured.push({ a: SELF, b: peer, rttMs, bytesPerSecond, ageMs: 0 });
    return { ...facts, rttMs, bytesPerSecond };
  }));
  return { peers, measured };
}
