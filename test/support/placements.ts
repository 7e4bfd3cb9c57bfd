import { asPeerId, type LayerRange } from '../../src-main/base/index.ts';
import type { LinkCost, NodeFacts, PlacementRequest } from '../../src-main/pipeline/index.ts';
import { seeded } from './models/index.ts';

/** A stage as brute force sees it: `to` exclusive, in layers. */
export interface TriedStage {
  readonly node: number;
  readonly from: number;
  readonly to: number;
}

const TOKEN_BYTES = 68;
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Layers before which a stage may start, and the end. */
export const edgesOf = ({ layers, cutsAllowed }: PlacementRequest): number[] => [0, ...(cutsAllowed ?? Array.from({ length: layers.length - 1 }, (_, i) => i + 1)), layers.length];

export function linkOf({ links, unmeasuredLink }: PlacementRequest, a: string | undefined, b: string | undefined): LinkCost {
  if (a === b) return { rttMs: 0, bytesPerSecond: Infinity };
  return links.find((link) => (link.a === a && link.b === b) || (link.a === b && link.b === a)) ?? unmeasuredLink ?? { rttMs: Infinity, bytesPerSecond: 1 };
}

/** Bytes to fetch: all but the most that disjoint whole shards within the range hold; shards count that begin and end at cuts. */
export function lackedBytes(request: PlacementRequest, all: readonly LayerRange[], { from, to }: { from: number; to: number }): number {
  const { layers } = request;
  const edges = edgesOf(request);
  const shards = all.filter(({ first, last }) => edges.includes(first) && edges.includes(last + 1));
  const bytes = (a: number, b: number): number => total(layers.slice(a, b).map((l) => l.weightBytes));
  const most = (start: number): number => Math.max(0, ...shards.filter(({ first, last }) => first >= start && last < to).map(({ first, last }) => bytes(first, last + 1) + most(last + 1)));
  return bytes(from, to) - most(from);
}

/** The cost of one way to place a model, straight from the definition; Infinity when it is not allowed. */
export function costByHand(request: PlacementRequest, stages: readonly TriedStage[]): number {
  const { load: { promptTokens, answerTokens, contextTokens, sessions }, boundaryMs, batchTokens, coordinator } = request;
  const batches = Math.ceil(promptTokens / batchTokens);
  let [fetchMs, slowest] = [0, 0];
  const times: number[] = [];
  for (const { node: i, from, to } of stages) {
    const node = request.nodes[i]!;
    const layers = request.layers.slice(from, to);
    const need = total(layers.map((l) => l.weightBytes + l.kvBytesPerToken * contextTokens * sessions));
    if (need > Math.min(node.freeBytes, node.ownerLimitBytes ?? Infinity) || linkOf(request, coordinator, node.peer).rttMs === Infinity) return Infinity;
    const lacked = lackedBytes(request, node.shards, { from, to });
    if (lacked > 0 && node.fetchBytesPerSecond === undefined) return Infinity;
    if (lacked > 0) fetchMs += 1000 * lacked / node.fetchBytesPerSecond!;
    const { decode, prefill } = request.corrections?.get(node.peer) ?? { decode: 1, prefill: 1 };
    const step = node.stepMs ?? 0;
    const decodeMs = 1000 * decode * total(layers.map((l) => l.readBytes ?? l.weightBytes)) / node.decodeBytesPerSecond + step;
    const promptMs = 1000 * prefill * promptTokens * total(layers.map((l) => l.flops)) / node.prefillFlopsPerSecond + step * batches;
    times.push(decodeMs + promptMs / answerTokens);
  }
  const peers = stages.map(({ node }) => request.nodes[node]!.peer);
  let hopsMs = linkOf(request, coordinator, peers[0]).rttMs / 2 / answerTokens + linkOf(request, peers.at(-1), coordinator).rttMs / 2 / answerTokens;
  hopsMs += 1000 * (4 * promptTokens / linkOf(request, coordinator, peers[0]).bytesPerSecond + TOKEN_BYTES / linkOf(request, peers.at(-1), coordinator).bytesPerSecond) / answerTokens;
  for (let s = 1; s < stages.length; s++) {
    const { rttMs, bytesPerSecond } = linkOf(request, peers[s - 1], peers[s]);
    const rowMs = 1000 * request.layers[stages[s]!.from - 1]!.activationBytes / bytesPerSecond;
    const sendMs = rowMs + boundaryMs + (rowMs * promptTokens + boundaryMs * batches) / answerTokens;
    slowest = Math.max(slowest, sendMs);
    hopsMs += sendMs + rttMs / 2 + rttMs / 2 / answerTokens;
  }
  if (stages.length > 1) {
    const { rttMs, bytesPerSecond } = linkOf(request, peers.at(-1), peers[0]);
    hopsMs += rttMs / 2 + 1000 * TOKEN_BYTES / bytesPerSecond + boundaryMs;
  }
  const weighed = (request.fetchWeight ?? 1e-5) * fetchMs;
  return request.objective === 'throughput' ? Math.max(slowest, ...times) + hopsMs / Math.max(1, sessions) + weighed : total(times) + hopsMs + weighed;
}

/** Every ordered choice of nodes with every choice of cuts. */
export function* everyPlacement(request: PlacementRequest, used: readonly TriedStage[] = []): Generator<readonly TriedStage[]> {
  const from = used.at(-1)?.to ?? 0;
  if (from === request.layers.length) return yield used;
  for (const to of edgesOf(request).filter((edge) => edge > from)) {
    for (const node of request.nodes.keys()) {
      if (!used.some((stage) => stage.node === node)) yield* everyPlacement(request, [...used, { node, from, to }]);
    }
  }
}

export function cheapestByHand(request: PlacementRequest): number {
  let least = Infinity;
  for (const stages of everyPlacement(request)) least = Math.min(least, costByHand(request, stages));
  return least;
}

export interface RandomPlacement {
  readonly seed: number;
  readonly nodes: number;
  readonly layers: number;
  readonly objective: 'latency' | 'throughput';
  /** Memory of all nodes together / memory needed. */
  readonly room: number;
  /** Gives nodes shards, some no way to fetch, and the model few cuts. */
  readonly isRagged?: boolean;
}

/** A model on machines of several sites: near within one, far between, speeds and memory up to 20 times apart. */
export function randomRequest({ seed, nodes: count, layers: depth, objective, room, isRagged = false }: RandomPlacement): PlacementRequest {
  const random = seeded(seed);
  const between = (low: number, high: number): number => low * (high / low) ** random();
  const sessions = objective === 'latency' ? 1 : 16;
  const load = { promptTokens: Math.floor(random() * 1000), answerTokens: 250, contextTokens: 4096, sessions, waitingSessions: 0 };
  const layers = Array.from({ length: depth }, (_, i) => ({ weightBytes: Math.round(3e8 * (i === 0 || i === depth - 1 ? 1.6 : between(0.9, 1.1))), flops: 6e8, kvBytesPerToken: 4096, activationBytes: 16_384 }));
  const need = total(layers.map((l) => l.weightBytes + l.kvBytesPerToken * load.contextTokens * sessions));
  const sites = Array.from({ length: count }, () => ({ site: Math.floor(random() * 4), x: random(), y: random() }));
  const cutsAllowed = isRagged ? { cutsAllowed: Array.from({ length: depth - 1 }, (_, i) => i + 1).filter(() => random() < 0.7) } : {};
  const shards = (): LayerRange[] => Array.from({ length: isRagged ? Math.floor(random() * 4) : 0 }, () => Math.floor(random() * depth)).map((first) => ({ first, last: Math.min(depth - 1, first + Math.floor(random() * depth)) }));
  const nodes = sites.map((_, i): NodeFacts => ({
    peer: asPeerId(`n${i}`), addresses: [], backend: random() < 0.5 ? 'cpu' : 'cuda', freeBytes: Math.round(need * room / count * (0.4 + 1.2 * random())),
    decodeBytesPerSecond: between(1e10, 2e11), prefillFlopsPerSecond: between(1e12, 2e13), stepMs: 0.2, shards: shards(),
    ...(isRagged && random() < 0.3 ? {} : { fetchBytesPerSecond: between(1e7, 1e8) }), ...(isRagged && random() < 0.3 ? { ownerLimitBytes: Math.round(need * random()) } : {}),
  }));
  const links = sites.flatMap((a, i) => sites.slice(0, i).map((b, j) => ({
    a: asPeerId(`n${i}`), b: asPeerId(`n${j}`), rttMs: a.site === b.site ? between(0.3, 4) : 10 + 80 * Math.hypot(a.x - b.x, a.y - b.y), bytesPerSecond: between(1e7, 5e8),
  }))).filter(() => !isRagged || random() < 0.9);
  return { layers, nodes, links, coordinator: asPeerId('n0'), boundaryMs: 0.13, batchTokens: 512, load, objective, ...cutsAllowed };
}
