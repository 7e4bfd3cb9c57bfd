import type { PeerId } from '../../base/index.ts';
import { NO_CORRECTION, type CorrectionFactor } from './correction.ts';
import { Holdings } from './holdings.ts';
import { chooseObjective, type LinkCost, type NodeFacts, type Objective, type PlacementRequest } from './request.ts';

/** A token with its frame's header. */
const TOKEN_FRAME_BYTES = 68;
const PROMPT_BYTES_PER_TOKEN = 4;

/** A stage in the search: node by index, layers as edges (indices of allowed cuts, `to` exclusive). */
export interface Cut {
  readonly node: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The request as numbers. Every cost is in ms per answer token, with a prompt's share of it
 * (prompt cost / answer tokens) included, so that a node slow at prompts is seen as such.
 *
 * latency:    cost = sum of stage times + sum of hops (the ring's, and the coordinator's two / answer tokens)
 * throughput: cost = max(stage time, link's time per token) + sum of hops / sessions. With at least as many
 *             sessions as stages that bounds the time per token, max(slowest, whole round / sessions),
 *             from above, and is less than twice that.
 *
 * Both are kept as (sum, max): cost = sum + max, each stage and hop adding to one of them or both.
 */
export class CostModel {
  readonly objective: Objective;
  readonly count: number;
  /** Layer at which each edge lies: 0, the allowed cuts, the number of layers. */
  readonly edges: readonly number[];
  readonly holdings: readonly Holdings[];
  /** Bytes of weights and KV caches before each edge. */
  readonly needBytes: Float64Array;
  /** Per node: the furthest edge that memory allows, by first edge. */
  readonly reach: readonly Int32Array[];
  startMs: Float64Array;
  finishMs: Float64Array;
  /** Last stage to stage 0, [last * count + first]. */
  closeMs: Float64Array;
  private readonly sumBefore: readonly Float64Array[];
  private readonly maxBefore: readonly Float64Array[];
  private readonly sumFixed: Float64Array;
  private readonly maxFixed: Float64Array;
  private readonly fetchMsPerByte: Float64Array;
  private readonly fetchLimit: Float64Array;
  /** Holds nothing and can fetch. */
  private readonly isEmpty: readonly boolean[];
  private readonly hopMs: Float64Array;
  private readonly hopBusyMs: Float64Array;
  private readonly hopMsPerByte: Float64Array;
  private readonly shareMs: number;
  /** One row that crosses each edge. */
  readonly rowBytes: Float64Array;
  private readonly links: ReadonlyMap<PeerId, ReadonlyMap<PeerId, LinkCost>>;
  readonly request: PlacementRequest;
  readonly nodes: readonly NodeFacts[];

  constructor(request: PlacementRequest, nodes: readonly NodeFacts[] = request.nodes) {
    this.request = request;
    this.nodes = nodes;
    const { layers, load } = request;
    const n = this.count = nodes.length;
    this.objective = request.objective ?? chooseObjective(load);
    const isLatency = this.objective === 'latency';
    this.edges = [0, ...(request.cutsAllowed ?? Array.from({ length: layers.length - 1 }, (_, i) => i + 1)), layers.length];
    const before = (of: (layer: (typeof layers)[number]) => number): Float64Array => prefixSums(layers.map(of), this.edges);
    const [weights, reads, flops] = [before((l) => l.weightBytes), before((l) => l.readBytes ?? l.weightBytes), before((l) => l.flops)];
    this.needBytes = before((l) => l.weightBytes + l.kvBytesPerToken * load.contextTokens * load.sessions);
    this.rowBytes = Float64Array.from(this.edges, (edge) => layers[edge - 1]?.activationBytes ?? 0);
    this.holdings = nodes.map(({ shards }) => new Holdings(shards, this.edges, weights));
    const answer = Math.max(1, load.answerTokens);
    const passes = 1 + Math.ceil(load.promptTokens / request.batchTokens) / answer;
    const rows = 1 + load.promptTokens / answer;
    const busy = nodes.map((node) => {
      const factor = this.correctionOf(node.peer);
      const [perByte, perFlop] = [1000 * factor.decode / node.decodeBytesPerSecond, 1000 * factor.prefill / node.prefillFlopsPerSecond];
      return reads.map((read, e) => read * perByte + (flops[e] ?? 0) * perFlop * load.promptTokens / answer);
    });
    const fixed = Float64Array.from(nodes, ({ stepMs = 0 }) => stepMs * passes);
    const none = new Float64Array(this.edges.length);
    const weight = request.fetchWeight ?? 1e-5;
    this.fetchMsPerByte = Float64Array.from(nodes, ({ fetchBytesPerSecond = 0 }) => (fetchBytesPerSecond > 0 ? 1000 * weight / fetchBytesPerSecond : Infinity));
    this.fetchLimit = Float64Array.from(nodes, ({ fetchLimitBytes = Infinity }, i) => (at(this.fetchMsPerByte, i) === Infinity ? 0 : fetchLimitBytes));
    this.isEmpty = nodes.map(({ shards }, i) => shards.length === 0 && at(this.fetchMsPerByte, i) !== Infinity);
    // A node without shards fetches all that it runs: one sum less in the inner loops.
    this.sumBefore = busy.map((before, i) => (isLatency ? before : none).map((ms, e) => ms + (this.isEmpty[i] === true ? at(weights, e) * at(this.fetchMsPerByte, i) : 0)));
    this.maxBefore = isLatency ? busy.map(() => none) : busy;
    this.sumFixed = isLatency ? fixed : new Float64Array(n);
    this.maxFixed = isLatency ? new Float64Array(n) : fixed;
    this.links = linkMap(request);
    // The coordinator opens every stage itself: a node it has no link to can run none.
    this.reach = nodes.map((node) => reachOf(this.needBytes, this.link(request.coordinator, node.peer).rttMs === Infinity ? -1 : roomOf(node)));
    this.shareMs = isLatency ? 1 : 1 / Math.max(1, load.sessions);
    const pair = (of: (link: LinkCost) => number): Float64Array => Float64Array.from({ length: n * n }, (_, k) => {
      const [i, j] = [nodes[Math.floor(k / n)], nodes[k % n]];
      return i === undefined || j === undefined || i === j ? 0 : of(this.link(i.peer, j.peer));
    });
    this.hopMs = pair(({ rttMs }) => this.shareMs * (rttMs / 2 * (1 + 1 / answer) + request.boundaryMs * passes));
    this.hopMsPerByte = pair(({ bytesPerSecond }) => 1000 * rows / bytesPerSecond);
    this.hopBusyMs = isLatency ? new Float64Array(n * n) : pair(() => request.boundaryMs * passes);
    this.closeMs = pair(({ rttMs, bytesPerSecond }) => this.shareMs * (rttMs / 2 + 1000 * TOKEN_FRAME_BYTES / bytesPerSecond + request.boundaryMs));
    const leg = (bytes: number) => ({ peer }: NodeFacts): number => {
      const { rttMs, bytesPerSecond } = this.link(request.coordinator, peer);
      return this.shareMs * (rttMs / 2 + 1000 * bytes / bytesPerSecond) / answer;
    };
    this.startMs = Float64Array.from(nodes, leg(load.promptTokens * PROMPT_BYTES_PER_TOKEN));
    this.finishMs = Float64Array.from(nodes, leg(TOKEN_FRAME_BYTES));
  }

  correctionOf(peer: PeerId): CorrectionFactor {
    return this.request.corrections?.get(peer) ?? NO_CORRECTION;
  }

  /** Unmeasured pairs are infinitely far, or as the request says. */
  link(a: PeerId, b: PeerId): LinkCost {
    if (a === b) return { rttMs: 0, bytesPerSecond: Infinity };
    return this.links.get(a)?.get(b) ?? this.request.unmeasuredLink ?? { rttMs: Infinity, bytesPerSecond: 1 };
  }

  /** Whether the layers fit in memory, and are on disk or can be fetched. */
  fits(node: number, from: number, to: number): boolean {
    return to <= at(this.reach[node], from) && (at(this.fetchLimit, node) === Infinity || this.lacks(node, from, to) <= at(this.fetchLimit, node));
  }

  stageSum(node: number, from: number, to: number): number {
    const before = this.sumBefore[node];
    const own = at(before, to) - at(before, from) + at(this.sumFixed, node);
    if (this.isEmpty[node] === true) return own;
    const lacks = this.lacks(node, from, to);
    return own + (lacks === 0 ? 0 : lacks * at(this.fetchMsPerByte, node));
  }

  stageMax(node: number, from: number, to: number): number {
    const before = this.maxBefore[node];
    return at(before, to) - at(before, from) + at(this.maxFixed, node);
  }

  /** Links are symmetric; searches vary i, so that this reads memory in order. */
  hopSum(i: number, j: number, edge: number): number {
    const k = j * this.count + i;
    return at(this.hopMs, k) + this.shareMs * at(this.hopMsPerByte, k) * at(this.rowBytes, edge);
  }

  hopMax(i: number, j: number, edge: number): number {
    if (this.objective === 'latency') return 0;
    const k = j * this.count + i;
    return at(this.hopBusyMs, k) + at(this.hopMsPerByte, k) * at(this.rowBytes, edge);
  }

  lacks(node: number, from: number, to: number): number {
    return this.holdings[node]?.lacks(from, to) ?? Infinity;
  }

  /** What a whole path costs; Infinity when a stage does not fit or a pair has no link. */
  cost(path: readonly Cut[]): number {
    const [first, last] = [path[0], path.at(-1)];
    if (first === undefined || last === undefined) return Infinity;
    let sum = at(this.startMs, first.node) + at(this.finishMs, last.node) + at(this.closeMs, last.node * this.count + first.node);
    let max = 0;
    for (const [s, { node, from, to }] of path.entries()) {
      if (!this.fits(node, from, to)) return Infinity;
      const previous = path[s - 1];
      if (previous !== undefined) {
        sum += this.hopSum(previous.node, node, from);
        max = Math.max(max, this.hopMax(previous.node, node, from));
      }
      sum += this.stageSum(node, from, to);
      max = Math.max(max, this.stageMax(node, from, to));
    }
    return sum + max;
  }
}

/** Typed arrays have no holes here; the default only pleases the compiler. */
export const at = (values: Float64Array | Int32Array | undefined, i: number): number => values?.[i] ?? 0;

export const roomOf = ({ freeBytes, ownerLimitBytes = Infinity }: NodeFacts): number => Math.min(freeBytes, ownerLimitBytes);

function prefixSums(values: readonly number[], edges: readonly number[]): Float64Array {
  let total = 0;
  const sums = [0, ...values.map((value) => (total += value))];
  return Float64Array.from(edges, (edge) => sums[edge] ?? total);
}

function reachOf(needBytes: Float64Array, roomBytes: number): Int32Array {
  let to = 0;
  return Int32Array.from(needBytes, (before, from) => {
    to = Math.max(to, from);
    while (to + 1 < needBytes.length && at(needBytes, to + 1) - before <= roomBytes) to++;
    return to;
  });
}

function linkMap({ links }: PlacementRequest): ReadonlyMap<PeerId, ReadonlyMap<PeerId, LinkCost>> {
  const map = new Map<PeerId, Map<PeerId, LinkCost>>();
  const add = (a: PeerId, b: PeerId, link: LinkCost): void => void (map.get(a) ?? map.set(a, new Map()).get(a))?.set(b, link);
  for (const link of links) {
    add(link.a, link.b, link);
    add(link.b, link.a, link);
  }
  return map;
}
