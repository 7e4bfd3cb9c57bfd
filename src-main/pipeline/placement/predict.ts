import type { LayerRange } from '../../base/index.ts';
import type { CorrectionFactor } from './correction.ts';
import type { CostModel, Cut } from './model.ts';

export interface StagePrediction {
  /** Inside the stage, per answer token. */
  readonly decodeMs: number;
  readonly prefillMsPerToken: number;
  /** Until its shards are on disk; 0: they are. */
  readonly fetchMs: number;
  /** Already part of these times. */
  readonly correction: CorrectionFactor;
}

export interface Prediction {
  readonly ttftMs: number;
  /** A token's way round the ring. */
  readonly roundMs: number;
  /** Of one answer, after its first token. */
  readonly tokensPerSecond: number;
  /** Of all sessions together, with the time their prompts take. */
  readonly totalTokensPerSecond: number;
  /** Until all shards are on disk; nodes fetch at the same time. */
  readonly readyMs: number;
  /** The stage that takes longest per token. */
  readonly bottleneck: number;
}

export const layersOf = ({ edges }: CostModel, { from, to }: Cut): LayerRange => ({ first: edges[from] ?? 0, last: (edges[to] ?? 0) - 1 });

export function predictStage(model: CostModel, cut: Cut): StagePrediction {
  const node = model.nodes[cut.node];
  const { first, last } = layersOf(model, cut);
  const layers = model.request.layers.slice(first, last + 1);
  const total = (of: (layer: (typeof layers)[number]) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const correction = node === undefined ? { decode: 1, prefill: 1 } : model.correctionOf(node.peer);
  const lacks = model.lacks(cut.node, cut.from, cut.to);
  return {
    decodeMs: 1000 * correction.decode * total((l) => l.readBytes ?? l.weightBytes) / (node?.decodeBytesPerSecond ?? 1) + (node?.stepMs ?? 0),
    prefillMsPerToken: 1000 * correction.prefill * total((l) => l.flops) / (node?.prefillFlopsPerSecond ?? 1),
    fetchMs: lacks === 0 ? 0 : 1000 * lacks / (node?.fetchBytesPerSecond ?? 0),
    correction,
  };
}

interface Hop {
  readonly halfRttMs: number;
  readonly msPerRow: number;
}

/** The hop into each stage; into stage 0 it is the ring's last, of a token. */
function hopsInto(model: CostModel, path: readonly Cut[]): Hop[] {
  return path.map(({ node, from }, s) => {
    const [a, b] = [model.nodes[path.at(s - 1)?.node ?? 0], model.nodes[node]];
    if (a === undefined || b === undefined || path.length === 1) return { halfRttMs: 0, msPerRow: 0 };
    const { rttMs, bytesPerSecond } = model.link(a.peer, b.peer);
    const bytes = s === 0 ? 0 : (model.request.layers[(model.edges[from] ?? 0) - 1]?.activationBytes ?? 0);
    return { halfRttMs: rttMs / 2, msPerRow: 1000 * bytes / bytesPerSecond };
  });
}

/** Times and rates of a path; a prompt's micro-batches overlap, stage by stage. */
export function predict(model: CostModel, path: readonly Cut[]): Prediction {
  const { load, batchTokens, boundaryMs, coordinator } = model.request;
  const stages = path.map((cut) => predictStage(model, cut));
  const steps = path.map(({ node }) => model.nodes[node]?.stepMs ?? 0);
  const hops = hopsInto(model, path);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const perBoundary = path.length === 1 ? 0 : boundaryMs;
  const roundMs = sum(stages.map(({ decodeMs }) => decodeMs)) + sum(hops.map(({ halfRttMs, msPerRow }) => halfRttMs + msPerRow + perBoundary));
  const prompt = Math.max(1, load.promptTokens);
  const batches = Math.ceil(prompt / batchTokens);
  const rows = prompt / batches;
  const computeMs = stages.map(({ prefillMsPerToken }, s) => prefillMsPerToken * rows + (steps[s] ?? 0));
  const sendMs = hops.slice(1).map(({ msPerRow }) => msPerRow * rows + boundaryMs);
  const legsMs = sum([path[0], path.at(-1)].map((cut) => model.link(coordinator, model.nodes[cut?.node ?? 0]?.peer ?? coordinator).rttMs / 2));
  const ttftMs = legsMs + sum(computeMs) + sum(sendMs) + sum(hops.slice(1).map(({ halfRttMs }) => halfRttMs)) + (batches - 1) * Math.max(...computeMs, ...sendMs);
  const answer = Math.max(1, load.answerTokens);
  const busyMs = stages.map(({ decodeMs }, s) => decodeMs + (computeMs[s] ?? 0) * batches / answer);
  const linkMs = hops.slice(1).map(({ msPerRow }, s) => msPerRow + boundaryMs + (sendMs[s] ?? 0) * batches / answer);
  const slowest = Math.max(...busyMs);
  const answerMs = (ttftMs + (answer - 1) * roundMs) / answer;
  return {
    ttftMs, roundMs, tokensPerSecond: 1000 / roundMs,
    totalTokensPerSecond: 1000 / Math.max(slowest, ...linkMs, answerMs / Math.max(1, load.sessions)),
    readyMs: Math.max(...stages.map(({ fetchMs }) => fetchMs)),
    bottleneck: busyMs.indexOf(slowest),
  };
}
