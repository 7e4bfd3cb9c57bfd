import { at, type CostModel, type Cut } from './model.ts';

export interface BeamOptions {
  /** Edges used as cuts, ascending: the first and last are the ends of what is placed. */
  readonly edges: readonly number[];
  readonly nodes: readonly number[];
  /** Labels kept per edge and node. */
  readonly width: number;
  /** No stage or link may be busier than this, ms per token. */
  readonly cap: number;
  /** Added once for each node used, by position in `nodes`: what it is worth elsewhere. */
  readonly prices?: Float64Array;
}

/**
 * Dynamic programming over edges, where a state (edge, last node) keeps only the `width`
 * cheapest labels: cost so far, and which nodes it used, at most 64. Exact but for the labels that it drops.
 */
export const beamSearch = (model: CostModel, options: BeamOptions): Cut[] | undefined => new Beam(model, options).run();

class Beam {
  private readonly model: CostModel;
  private readonly options: BeamOptions;
  private readonly n: number;
  private readonly width: number;
  // Labels lie in a fixed number of slots per (edge, node).
  private readonly used: Int32Array;
  private readonly sum: Float64Array;
  private readonly max: Float64Array;
  private readonly low: Int32Array;
  private readonly high: Int32Array;
  private readonly first: Int32Array;
  private readonly parent: Int32Array;
  // Nodes with labels at the present edge, the cheapest first, and what that label costs.
  private order: number[] = [];
  private readonly cheapest: Float64Array;
  // Hops into node j from node i at the present edge, [j * n + i].
  private rowBytes = Number.NaN;
  private readonly hopSum: Float64Array;
  private readonly hopMax: Float64Array;
  // Labels of a node that starts at the present edge.
  private entered = 0;
  private readonly inSum: Float64Array;
  private readonly inMax: Float64Array;
  private readonly inParent: Int32Array;
  // Nodes used by the label that is being extended.
  private nowLow = 0;
  private nowHigh = 0;

  constructor(model: CostModel, options: BeamOptions) {
    [this.model, this.options, this.n, this.width] = [model, options, options.nodes.length, options.width];
    const slots = options.edges.length * this.n * this.width;
    this.used = new Int32Array(options.edges.length * this.n);
    [this.sum, this.max] = [new Float64Array(slots), new Float64Array(slots)];
    [this.low, this.high, this.first, this.parent] = [new Int32Array(slots), new Int32Array(slots), new Int32Array(slots), new Int32Array(slots)];
    this.cheapest = new Float64Array(this.n);
    [this.hopSum, this.hopMax] = [new Float64Array(this.n ** 2), new Float64Array(this.n ** 2)];
    [this.inSum, this.inMax, this.inParent] = [new Float64Array(this.width), new Float64Array(this.width), new Int32Array(this.width)];
  }

  run(): Cut[] | undefined {
    const { edges } = this.options;
    for (let e = 0; e + 1 < edges.length; e++) {
      this.sortLabels(e);
      this.measureHops(edges[e] ?? 0);
      for (let j = 0; j < this.n; j++) {
        if (at(this.model.reach[this.node(j)], edges[e] ?? 0) < (edges[e + 1] ?? 0)) continue;
        this.enter(e, j);
        for (let k = 0; k < this.entered; k++) this.extend(e, j, k);
      }
    }
    return this.best();
  }

  private node(j: number): number {
    return this.options.nodes[j] ?? 0;
  }

  /** Most models send rows of one size everywhere: then once is enough. */
  private measureHops(edge: number): void {
    const { model, n } = this;
    if (at(model.rowBytes, edge) === this.rowBytes) return;
    this.rowBytes = at(model.rowBytes, edge);
    for (let k = 0; k < n * n; k++) {
      const [i, j] = [this.node(k % n), this.node(Math.floor(k / n))];
      this.hopSum[k] = model.hopSum(i, j, edge);
      this.hopMax[k] = model.hopMax(i, j, edge);
    }
  }

  private sortLabels(e: number): void {
    this.order = [];
    for (let i = 0; i < this.n; i++) {
      const begin = (e * this.n + i) * this.width;
      const count = at(this.used, e * this.n + i);
      let least = Infinity;
      for (let slot = begin; slot < begin + count; slot++) least = Math.min(least, this.rank(slot));
      this.cheapest[i] = least;
      if (count > 0) this.order.push(i);
    }
    this.order.sort((a, b) => at(this.cheapest, a) - at(this.cheapest, b));
  }

  /** Collects the best ways to start node j at edge e. */
  private enter(e: number, j: number): void {
    const { model } = this;
    const price = at(this.options.prices, j);
    this.entered = 0;
    if (e === 0) return this.offer(at(model.startMs, this.node(j)) + price, 0, -1);
    const [bitLow, bitHigh] = [j < 32 ? 1 << j : 0, j < 32 ? 0 : 1 << (j - 32)];
    const { order, cheapest, hopSum, hopMax, low, high, sum, max, used, n, width, options: { cap } } = this;
    for (let o = 0, worst = Infinity; o < order.length; o++) {
      const i = order[o] ?? 0;
      if (i === j) continue;
      const least = at(cheapest, i) + price;
      // Hops cost at least 0: the nodes after this one have nothing better.
      if (least >= worst) break;
      const [hop, busy] = [at(hopSum, j * n + i), at(hopMax, j * n + i)];
      if (least + hop >= worst || busy > cap) continue;
      const begin = (e * n + i) * width;
      const end = begin + at(used, e * n + i);
      for (let slot = begin; slot < end; slot++) {
        if ((at(low, slot) & bitLow) !== 0 || (at(high, slot) & bitHigh) !== 0) continue;
        this.offer(at(sum, slot) + hop + price, Math.max(at(max, slot), busy), slot);
        worst = this.worstEntry();
      }
    }
  }

  /** What a label must cost less than to enter. */
  private worstEntry(): number {
    return this.entered < this.width ? Infinity : at(this.inSum, this.width - 1) + at(this.inMax, this.width - 1);
  }

  private offer(sum: number, max: number, parent: number): void {
    if (sum === Infinity || sum + max >= this.worstEntry()) return;
    let k = this.entered === this.width ? this.width - 1 : this.entered++;
    for (; k > 0 && at(this.inSum, k - 1) + at(this.inMax, k - 1) > sum + max; k--) {
      this.inSum[k] = at(this.inSum, k - 1);
      this.inMax[k] = at(this.inMax, k - 1);
      this.inParent[k] = at(this.inParent, k - 1);
    }
    this.inSum[k] = sum;
    this.inMax[k] = max;
    this.inParent[k] = parent;
  }

  /** Gives node j, started at edge e, every range that fits. */
  private extend(e: number, j: number, k: number): void {
    const { model, options: { edges, cap } } = this;
    const [node, from] = [this.node(j), edges[e] ?? 0];
    const parent = at(this.inParent, k);
    this.nowLow = (parent < 0 ? 0 : at(this.low, parent)) | (j < 32 ? 1 << j : 0);
    this.nowHigh = (parent < 0 ? 0 : at(this.high, parent)) | (j < 32 ? 0 : 1 << (j - 32));
    const first = parent < 0 ? j : at(this.first, parent);
    const reach = at(model.reach[node], from);
    for (let b = e + 1; b < edges.length; b++) {
      const to = edges[b] ?? 0;
      if (to > reach) return;
      const busy = model.stageMax(node, from, to);
      if (busy > cap) return;
      if (!model.fits(node, from, to)) continue;
      const slot = this.slotFor(b * this.n + j, at(this.inSum, k) + model.stageSum(node, from, to), Math.max(at(this.inMax, k), busy));
      if (slot < 0) continue;
      this.low[slot] = this.nowLow;
      this.high[slot] = this.nowHigh;
      this.first[slot] = first;
      this.parent[slot] = parent;
    }
  }

  /** The slot of a label with the same nodes, a free one, or the worst label's; -1 when none of these is worse. */
  private slotFor(bucket: number, sum: number, max: number): number {
    const begin = bucket * this.width;
    const count = at(this.used, bucket);
    let slot = begin;
    let isSame = false;
    for (let other = begin; other < begin + count && !isSame; other++) {
      isSame = at(this.low, other) === this.nowLow && at(this.high, other) === this.nowHigh;
      if (isSame || this.rank(other) > this.rank(slot)) slot = other;
    }
    if (!isSame && count < this.width) {
      slot = begin + count;
      this.used[bucket] = count + 1;
    } else if (this.rank(slot) <= sum + max) return -1;
    this.sum[slot] = sum;
    this.max[slot] = max;
    return slot;
  }

  private rank(slot: number): number {
    return at(this.sum, slot) + at(this.max, slot);
  }

  private best(): Cut[] | undefined {
    const { model, n, width } = this;
    const end = this.options.edges.length - 1;
    let [best, least] = [-1, Infinity];
    for (let j = 0; j < n; j++) {
      const begin = (end * n + j) * width;
      for (let slot = begin; slot < begin + at(this.used, end * n + j); slot++) {
        const cost = this.rank(slot) + at(model.finishMs, this.node(j)) + at(model.closeMs, this.node(j) * model.count + this.node(at(this.first, slot)));
        if (cost < least) [best, least] = [slot, cost];
      }
    }
    return best < 0 ? undefined : this.trace(best);
  }

  private trace(last: number): Cut[] {
    const path: Cut[] = [];
    for (let slot = last; slot >= 0; slot = at(this.parent, slot)) {
      const bucket = Math.floor(slot / this.width);
      const parent = at(this.parent, slot);
      const from = parent < 0 ? 0 : Math.floor(parent / this.width / this.n);
      path.unshift({ node: this.node(bucket % this.n), from: this.options.edges[from] ?? 0, to: this.options.edges[Math.floor(bucket / this.n)] ?? 0 });
    }
    return path;
  }
}
