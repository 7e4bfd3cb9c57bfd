import { at, type CostModel, type Cut } from './model.ts';

/** One way to place the layers before an edge. */
interface Label {
  readonly sum: number;
  readonly max: number;
  /** Nodes used, as bits. */
  readonly used: number;
  readonly first: number;
  readonly cut: Cut;
  readonly parent: Label | undefined;
}

export interface ExactOptions {
  readonly from: number;
  readonly to: number;
  /** Cost of a known path: only cheaper ones are looked for. */
  readonly upper: number;
  /** Labels until the search gives up. */
  readonly limit: number;
}

export interface ExactResult {
  /** Cheaper than `upper`; undefined when there is none (if complete). */
  readonly path: Cut[] | undefined;
  /** Whether the whole space was searched. */
  readonly isComplete: boolean;
}

/** Bits of a 32-bit number. */
export const EXACT_NODES = 30;

/**
 * The same dynamic program with every label that may matter: one is dropped only when another at the same
 * (edge, last node) uses a subset of its nodes and cannot cost more however they go on, or when it cannot
 * beat `upper` even if nodes were free to serve twice. So the result is optimal.
 * Labels with dominance as for the elementary shortest path problem with resources
 * (Feillet, Dejax, Gendreau, Gueguen, Networks 44(3), 2004).
 */
export function exactSearch(model: CostModel, options: ExactOptions): ExactResult {
  const search = new Exact(model, options);
  return { path: search.run(), isComplete: search.labels <= options.limit };
}

class Exact {
  labels = 0;
  private readonly model: CostModel;
  private readonly options: ExactOptions;
  private readonly buckets: Label[][];
  private readonly restSum: Float64Array;
  private readonly restMax: Float64Array;
  private readonly firstPenalty: Float64Array;

  constructor(model: CostModel, options: ExactOptions) {
    this.model = model;
    this.options = options;
    const size = (options.to + 1) * model.count;
    this.buckets = Array.from({ length: size }, () => []);
    this.firstPenalty = firstPenalties(model);
    this.restMax = new Float64Array(options.to + 1).fill(Infinity);
    this.restSum = new Float64Array(size).fill(Infinity);
    this.boundTheRest();
  }

  run(): Cut[] | undefined {
    const { from, to, limit } = this.options;
    for (let edge = from; edge < to; edge++) {
      for (let node = 0; node < this.model.count; node++) {
        for (const entry of this.entries(edge, node)) this.extend(entry);
        if (this.labels > limit) return undefined;
      }
    }
    return this.best();
  }

  /** What is left costs at least this, were a node free to serve twice. */
  private boundTheRest(): void {
    const { model, options: { from, to }, restSum, restMax } = this;
    const n = model.count;
    restMax[to] = 0;
    for (let i = 0; i < n; i++) restSum[to * n + i] = at(model.finishMs, i) + Math.min(...model.closeMs.subarray(i * n, (i + 1) * n));
    for (let edge = to - 1; edge >= from; edge--) {
      for (let j = 0; j < n; j++) {
        const onward = this.bestOnward(edge, j);
        for (let i = 0; edge > from && i < n; i++) {
          if (i !== j) restSum[edge * n + i] = Math.min(at(restSum, edge * n + i), model.hopSum(i, j, edge) + onward);
        }
      }
    }
  }

  private bestOnward(edge: number, node: number): number {
    const { model, restMax } = this;
    let least = Infinity;
    const reach = Math.min(this.options.to, at(model.reach[node], edge));
    for (let to = edge + 1; to <= reach; to++) {
      if (!model.fits(node, edge, to)) continue;
      least = Math.min(least, model.stageSum(node, edge, to) + at(this.restSum, to * model.count + node));
      restMax[edge] = Math.min(at(restMax, edge), Math.max(model.stageMax(node, edge, to), at(restMax, to)));
    }
    return least;
  }

  /** The ways to start `node` at `edge`; `cut.to` is not known yet. */
  private entries(edge: number, node: number): Label[] {
    const { model } = this;
    const cut = { node, from: edge, to: edge };
    if (edge === this.options.from) return [{ sum: at(model.startMs, node), max: 0, used: 1 << node, first: node, cut, parent: undefined }];
    const entries: Label[] = [];
    for (let i = 0; i < model.count; i++) {
      const [hop, busy] = [model.hopSum(i, node, edge), model.hopMax(i, node, edge)];
      if (i === node || hop === Infinity) continue;
      for (const parent of this.buckets[edge * model.count + i] ?? []) {
        if ((parent.used & (1 << node)) !== 0) continue;
        this.keep(entries, { sum: parent.sum + hop, max: Math.max(parent.max, busy), used: parent.used | (1 << node), first: parent.first, cut, parent });
      }
    }
    return entries;
  }

  private extend(entry: Label): void {
    const { model, restMax, options: { upper } } = this;
    const { node, from } = entry.cut;
    const reach = Math.min(this.options.to, at(model.reach[node], from));
    for (let to = from + 1; to <= reach; to++) {
      if (!model.fits(node, from, to)) continue;
      const sum = entry.sum + model.stageSum(node, from, to);
      const max = Math.max(entry.max, model.stageMax(node, from, to));
      const bucket = to * model.count + node;
      if (sum + at(this.restSum, bucket) + Math.max(max, at(restMax, to)) >= upper) continue;
      this.keep(this.buckets[bucket] ?? [], { ...entry, sum, max, cut: { node, from, to } });
      this.labels++;
    }
  }

  private keep(labels: Label[], label: Label): void {
    for (const other of labels) if (this.dominates(other, label)) return;
    let kept = 0;
    for (const other of labels) if (!this.dominates(label, other)) labels[kept++] = other;
    labels.length = kept;
    labels.push(label);
  }

  private dominates(a: Label, b: Label): boolean {
    return (a.used & ~b.used) === 0 && a.sum + at(this.firstPenalty, a.first * this.model.count + b.first) + Math.max(0, a.max - b.max) <= b.sum;
  }

  private best(): Cut[] | undefined {
    const { model, options: { to, upper } } = this;
    let [least, best]: [number, Label | undefined] = [upper, undefined];
    for (let node = 0; node < model.count; node++) {
      for (const label of this.buckets[to * model.count + node] ?? []) {
        const cost = label.sum + label.max + at(model.finishMs, node) + at(model.closeMs, node * model.count + label.first);
        if (cost < least) [least, best] = [cost, label];
      }
    }
    if (best === undefined) return undefined;
    const path: Cut[] = [];
    for (let label: Label | undefined = best; label !== undefined; label = label.parent) path.unshift(label.cut);
    return path;
  }
}

/** [a * count + b]: at most so much dearer is closing the ring to stage 0 on a than on b. */
function firstPenalties({ count, closeMs }: CostModel): Float64Array {
  return Float64Array.from({ length: count * count }, (_, k) => {
    const [a, b] = [Math.floor(k / count), k % count];
    let most = a === b ? 0 : -Infinity;
    for (let last = 0; a !== b && last < count; last++) {
      const [toA, toB] = [at(closeMs, last * count + a), at(closeMs, last * count + b)];
      if (toB !== Infinity) most = Math.max(most, toA - toB);
    }
    return most;
  });
}
