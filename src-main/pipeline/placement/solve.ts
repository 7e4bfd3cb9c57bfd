import { beamSearch } from './beam.ts';
import { EXACT_NODES, exactSearch } from './exact.ts';
import { improve } from './improve.ts';
import { at, type CostModel, type Cut } from './model.ts';
import { findRoom } from './room.ts';

export interface Solution {
  readonly path: readonly Cut[];
  /** No other choice of nodes, order and cuts is cheaper. */
  readonly isOptimal: boolean;
}

/** Up to here the exact search runs to its end, whatever it takes. */
const [SMALL_NODES, SMALL_PIECES] = [8, 16];
const MEDIUM_NODES = 12;
/** Tens of ms. */
const EXACT_LABELS = 20_000;
/** Of the beams: nodes² x edges x width of one pass, and of all passes together. */
const [PASS_WORK, TOTAL_WORK] = [600_000, 1_100_000];
const MIN_PASSES = 2;
const MAX_PASSES = 9;
/** Steps of local search, in all. */
const IMPROVE_WORK = 250_000;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The cheapest path over edges `from`..`to`: a beam and local search give a good one, the exact
 * search then proves it or finds the best. It runs to its end on small problems, within
 * a limit on medium ones and not at all on large ones.
 */
export function solve(model: CostModel, span: Span): Solution | undefined {
  const rough = approximate(model, span);
  const upper = rough === undefined ? Infinity : model.cost(rough);
  const isSmall = model.count <= SMALL_NODES && span.to - span.from <= SMALL_PIECES;
  if (!isSmall && model.count > MEDIUM_NODES) return rough && { path: rough, isOptimal: false };
  return solveExactly(model, { ...span, upper, limit: isSmall ? Infinity : EXACT_LABELS }, rough);
}

export function solveExactly(model: CostModel, options: Parameters<typeof exactSearch>[1], rough: readonly Cut[] | undefined): Solution | undefined {
  if (model.count > EXACT_NODES) return rough && { path: rough, isOptimal: false };
  const { path = rough, isComplete } = exactSearch(model, options);
  return path && { path, isOptimal: isComplete };
}

/** Several beams, and local search from the best of what they found. */
export function approximate(model: CostModel, span: Span): Cut[] | undefined {
  const nodes = Array.from({ length: model.count }, (_, i) => i);
  const all = Array.from({ length: span.to - span.from + 1 }, (_, i) => span.from + i);
  const edges = thinned(all, Math.max(2, Math.floor(PASS_WORK / model.count ** 2)));
  const work = model.count ** 2 * edges.length;
  const width = Math.max(1, Math.min(4, Math.floor(PASS_WORK / 4 / work)));
  const passes = Math.max(MIN_PASSES, Math.min(MAX_PASSES, Math.floor(TOTAL_WORK / work / width)));
  const found = sweep(model, { edges, nodes, width }, passes);
  const starts = found.slice(0, passes === MAX_PASSES ? 4 : 1);
  return sorted(model, starts.map((path) => improve(model, path, IMPROVE_WORK / starts.length)))[0];
}

interface Sweep {
  readonly edges: readonly number[];
  readonly nodes: readonly number[];
  readonly width: number;
}

const sorted = (model: CostModel, paths: readonly Cut[][]): Cut[][] =>
  paths.map((path) => ({ path, cost: model.cost(path) })).filter(({ cost }) => cost < Infinity).sort((a, b) => a.cost - b.cost).map(({ path }) => path);

/**
 * Paths found, cheapest first. A beam keeps what is cheap so far, and so uses up the nearest and
 * largest nodes: the passes differ in what a node's capacity is worth (measured: 0.3 to 1 times the mean
 * cost of the layers that it could take helps where memory is tight), and in how busy a stage may be.
 */
function sweep(model: CostModel, options: Sweep, passes: number): Cut[][] {
  const found: Cut[][] = [];
  const attempt = (cap: number, price: number): Cut[] | undefined => {
    const path = beamSearch(model, { ...options, cap, prices: capacityPrices(model, options, price) });
    if (path !== undefined) found.push(path);
    return path;
  };
  // With a price above all costs the beam looks for room only.
  const first = attempt(Infinity, 0) ?? attempt(Infinity, 1e9) ?? findRoom(model, { from: options.edges[0] ?? 0, to: options.edges.at(-1) ?? 0 });
  if (first === undefined) return [];
  if (found.length === 0) found.push(first);
  const perPiece = model.cost(first) / (options.edges.length - 1);
  const prices = [0.3, 1, 0.1, 3];
  const isThroughput = model.objective === 'throughput';
  let [low, high] = [leastBusy(model, options), busiest(model, first)];
  for (let pass = 1; pass < passes; pass++) {
    const isCapped = isThroughput && pass % 2 === 1;
    const cap = isCapped ? Math.sqrt(low * high) : Infinity;
    const price = isThroughput ? (prices[pass >> 1] ?? 0) : prices[pass - 1];
    if (price === undefined) break;
    const path = attempt(cap, price * perPiece);
    if (!isCapped) continue;
    if (path === undefined) low = cap;
    else high = Math.min(cap, busiest(model, path));
  }
  return sorted(model, found);
}

export const busiest = (model: CostModel, path: readonly Cut[]): number => Math.max(...path.map(({ node, from, to }) => model.stageMax(node, from, to)));

/** Were the work divisible at will, and nodes filled to their memory: the least time of the busiest, about. */
function leastBusy(model: CostModel, { edges, nodes }: Sweep): number {
  const [from, to] = [edges[0] ?? 0, edges.at(-1) ?? 0];
  const pieces = to - from;
  const whole = nodes.map((node) => model.stageMax(node, from, to));
  const taken = (cap: number): number => nodes.reduce((sum, node, i) => sum + Math.min(at(model.reach[node], from) - from, pieces * cap / Math.max(1e-9, whole[i] ?? 0)), 0);
  let [low, high] = [0, Math.max(...whole)];
  for (let step = 0; step < 20; step++) {
    const middle = (low + high) / 2;
    if (taken(middle) < pieces) low = middle;
    else high = middle;
  }
  return high;
}

/** Each node as dear as the pieces that its memory could take. */
const capacityPrices = (model: CostModel, { edges, nodes }: Sweep, perPiece: number): Float64Array =>
  Float64Array.from(nodes, (node) => perPiece * (at(model.reach[node], edges[0] ?? 0) - (edges[0] ?? 0)));

/** At most `count` of the edges, evenly spaced, with both ends. */
function thinned(edges: readonly number[], count: number): number[] {
  if (edges.length <= count) return [...edges];
  return Array.from({ length: count }, (_, i) => edges[Math.round(i * (edges.length - 1) / (count - 1))] ?? 0);
}
