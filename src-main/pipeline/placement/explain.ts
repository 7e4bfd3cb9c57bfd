import type { PeerId } from '../../base/index.ts';
import { unused } from './improve.ts';
import { roomOf, type CostModel, type Cut } from './model.ts';
import { layersOf, predict } from './predict.ts';
import type { NodeFacts } from './request.ts';

export interface LeftOut {
  readonly peer: PeerId;
  readonly reason: 'memory' | 'unreachable' | 'shards' | 'slower' | 'noStage';
  /** A short sentence without the peer's name. */
  readonly text: string;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** One reason for each node of the request that is in no stage. */
export function leftOut(model: CostModel, path: readonly Cut[], nodes: readonly NodeFacts[]): LeftOut[] {
  const index = new Map(model.nodes.map(({ peer }, i) => [peer, i]));
  const used = new Set(path.map(({ node }) => model.nodes[node]?.peer));
  const spare = new Set(unused(model, path));
  return nodes.filter(({ peer }) => !used.has(peer)).map((node) => {
    const i = index.get(node.peer);
    const why = cannot(model, node) ?? (i !== undefined && spare.has(i) ? slower(model, path, i) : { reason: 'noStage' as const, text: 'not among the best 64 nodes' });
    return { peer: node.peer, ...why };
  });
}

type Why = Omit<LeftOut, 'peer'>;

function cannot(model: CostModel, node: NodeFacts): Why | undefined {
  const pieces = model.edges.slice(1).map((_, e) => (model.needBytes[e + 1] ?? 0) - (model.needBytes[e] ?? 0));
  const least = Math.min(...pieces);
  if (least > roomOf(node)) return { reason: 'memory', text: `does not fit: needs ${gigabytes(least)} GB, ${gigabytes(roomOf(node))} free` };
  if (model.link(model.request.coordinator, node.peer).rttMs === Infinity) return { reason: 'unreachable', text: 'no link to it was measured' };
  if ((node.fetchBytesPerSecond ?? 0) === 0 && node.shards.length === 0) return { reason: 'shards', text: 'holds no shard of this model and does not fetch' };
  return undefined;
}

/** The best that this plan becomes with the node in it: with a part of a stage, else in the place of another. */
function slower(model: CostModel, path: readonly Cut[], node: number): Why {
  const cheapest = (candidates: readonly Cut[][]): { candidate: Cut[]; cost: number } | undefined =>
    candidates.map((candidate) => ({ candidate, cost: model.cost(candidate) })).filter(({ cost }) => cost < Infinity).sort((a, b) => a.cost - b.cost)[0];
  const split = cheapest(splits(path, node));
  const best = split ?? cheapest(path.map((stage, s) => path.with(s, { ...stage, node })));
  if (best === undefined) return { reason: 'noStage', text: 'no part of a stage both fits it and is linked to its neighbours' };
  const [mine, theirs] = [rate(model, path), rate(model, best.candidate)];
  const total = model.cost(path);
  const isEven = theirs >= mine && rounded(best.cost) === rounded(total);
  if (isEven) return { reason: 'slower', text: 'the plan would be no better with it' };
  const what = split === undefined ? 'using it instead' : 'splitting';
  const compare = theirs < mine ? `would be slower: ${rounded(theirs)} vs ${rounded(mine)} tok/s` : `would cost more: ${rounded(best.cost)} vs ${rounded(total)} ms a token with the shares of prompt and fetch`;
  return { reason: 'slower', text: `${distance(model, best.candidate, node)}${what} ${compare}` };
}

const rate = (model: CostModel, path: readonly Cut[]): number => {
  const { tokensPerSecond, totalTokensPerSecond } = predict(model, path);
  return model.objective === 'latency' ? tokensPerSecond : totalTokensPerSecond;
};

function splits(path: readonly Cut[], node: number): Cut[][] {
  return path.flatMap((stage, s) => {
    const half = (stage.from + stage.to) >> 1;
    const cuts = [...new Set([stage.from + 1, half, stage.to - 1])].filter((cut) => cut > stage.from && cut < stage.to);
    return cuts.flatMap((cut) => [
      path.toSpliced(s, 1, { node, from: stage.from, to: cut }, { ...stage, from: cut }),
      path.toSpliced(s, 1, { ...stage, to: cut }, { node, from: cut, to: stage.to }),
    ]);
  });
}

/** Named when its way to the nearest neighbour is more than a quarter of a token's round. */
function distance(model: CostModel, path: readonly Cut[], node: number): string {
  const s = path.findIndex((cut) => cut.node === node);
  const peer = model.nodes[node]?.peer;
  const near = [path.at(s - 1), path[(s + 1) % path.length]].flatMap((cut) => model.nodes[cut?.node ?? -1] ?? []).map((other) => other.peer).filter((other) => other !== peer);
  const links = peer === undefined ? [] : (near.length === 0 ? [model.request.coordinator] : near).map((other) => model.link(peer, other));
  const nearest = links.toSorted((a, b) => a.rttMs - b.rttMs)[0];
  if (nearest === undefined || nearest.rttMs <= 0.25 * predict(model, path).roundMs) return '';
  return `${rounded(nearest.rttMs)} ms away${nearest.isRttAssumed === true ? ' (assumed)' : ''}: `;
}

/** The plan in short sentences, out of the numbers that made it. */
export function explain(model: CostModel, path: readonly Cut[], facts: { readonly left: readonly LeftOut[]; readonly replicas: readonly (readonly number[])[]; readonly isOptimal: boolean }): string[] {
  const { ttftMs, tokensPerSecond, totalTokensPerSecond, readyMs, bottleneck } = predict(model, path);
  const name = (node: number): string => model.nodes[node]?.peer ?? '';
  const { sessions } = model.request.load;
  const stages = path.map((cut) => `${name(cut.node)} runs layers ${layersOf(model, cut).first}-${layersOf(model, cut).last}`);
  const total = model.request.nodes.length;
  return [
    `${path.length} of ${total} node${total === 1 ? '' : 's'} used: ${stages.join(', ')}.`,
    `Predicted: ${rounded(tokensPerSecond)} tok/s for one answer, ${rounded(totalTokensPerSecond)} for ${sessions} session${sessions === 1 ? '' : 's'}; first token after ${Math.round(ttftMs)} ms.`,
    ...(path.length > 1 ? [`${name(path[bottleneck]?.node ?? -1)} takes longest per token.`] : []),
    ...(readyMs > 0 ? [`Fetching shards takes about ${Math.ceil(readyMs / 1000)} s first.`] : []),
    ...facts.replicas.flatMap((nodes, s) => (nodes.length > 0 ? [`Stage ${s} can move to ${nodes.map(name).join(', ')}.`] : [])),
    ...facts.left.map(({ peer, text }) => `${peer} left out: ${text}.`),
    facts.isOptimal ? 'No other choice of nodes, order and cuts is cheaper by these figures.' : 'Too many choices to try all: a better plan may exist.',
  ];
}
