import { at, type CostModel, type Cut } from './model.ts';

/**
 * Local search: replaces, drops, inserts, swaps and moves nodes, and cuts the stages
 * round each change anew, while that makes the path cheaper.
 *
 * @param work - steps of the inner loops until it stops, some 10 ns each.
 */
export const improve = (model: CostModel, path: readonly Cut[], work: number): Cut[] => new LocalSearch(model, path, work).run();

/** Stages that are cut anew at once, at most: near changes first, they are the cheapest to try. */
const WINDOWS = [5, 18];

export function unused({ count }: CostModel, path: readonly Cut[]): number[] {
  const used = new Set(path.map(({ node }) => node));
  return Array.from({ length: count }, (_, node) => node).filter((node) => !used.has(node));
}

class LocalSearch {
  private path: Cut[];
  private cost: number;
  private work: number;
  private readonly model: CostModel;
  private readonly sums: Float64Array;
  private readonly maxima: Float64Array;
  private readonly froms: Int32Array;
  private enteredMax = 0;
  private window = 0;

  constructor(model: CostModel, path: readonly Cut[], work: number) {
    [this.model, this.path, this.cost, this.work] = [model, [...path], model.cost(path), work];
    const size = (Math.max(...WINDOWS) + 1) * model.edges.length;
    [this.sums, this.maxima, this.froms] = [new Float64Array(size), new Float64Array(size), new Int32Array(size)];
  }

  run(): Cut[] {
    for (const window of WINDOWS) {
      this.window = window;
      for (let before = Infinity; this.cost < before && this.work > 0;) {
        before = this.cost;
        for (let s = 0; s < this.path.length && this.work > 0; s++) this.round(s);
      }
    }
    return this.path;
  }

  /** Every move at stage s. */
  private round(s: number): void {
    const order = (): number[] => this.path.map(({ node }) => node);
    this.attempt(order(), s - 1, s + 3);
    this.attempt(order().toSpliced(s, 1), s - 1, s + 1);
    for (const node of unused(this.model, this.path)) {
      if (this.work <= 0 || s >= this.path.length) return;
      if (!this.attempt(order().with(s, node), s - 1, s + 2)) this.attempt(order().toSpliced(s, 0, node), s - 1, s + 2);
    }
    for (let t = s + 1; t < this.path.length && this.work > 0; t++) this.exchange(order(), s, t);
  }

  /** Swaps stages s and t; near ones also change places with those between. */
  private exchange(nodes: readonly number[], s: number, t: number): void {
    const [a, b] = [nodes[s] ?? 0, nodes[t] ?? 0];
    if (t - s > this.window - 3) return this.swapFar(s, t);
    if (this.attempt(nodes.with(s, b).with(t, a), s - 1, t + 2) || t - s === 1) return;
    if (this.attempt(nodes.toSpliced(s, 1).toSpliced(t, 0, a), s - 1, t + 2)) return;
    if (this.attempt(nodes.toSpliced(t, 1).toSpliced(s, 0, b), s - 1, t + 2)) return;
    this.attempt([...nodes.slice(0, s), ...nodes.slice(s, t + 1).toReversed(), ...nodes.slice(t + 1)], s - 1, t + 2);
  }

  private swapFar(s: number, t: number): void {
    const [a, b] = [this.path[s], this.path[t]];
    if (a === undefined || b === undefined || !this.model.fits(b.node, a.from, a.to) || !this.model.fits(a.node, b.from, b.to)) return;
    this.take(this.path.with(s, { ...a, node: b.node }).with(t, { ...b, node: a.node }));
  }

  private take(candidate: Cut[]): boolean {
    const cost = this.model.cost(candidate);
    this.work -= 2 * candidate.length;
    if (cost >= this.cost * (1 - 1e-12)) return false;
    [this.path, this.cost] = [candidate, cost];
    return true;
  }

  /** Takes the path with these nodes, stages `from`..`to` of it cut anew, when it is cheaper. */
  private attempt(order: readonly number[], from: number, to: number): boolean {
    const grown = order.length - this.path.length;
    const [begin, end] = [Math.max(0, from), Math.min(order.length, to)];
    const [before, after] = [this.path.slice(0, begin), this.path.slice(end - grown)];
    const span = { from: before.at(-1)?.to ?? this.path[0]?.from ?? 0, to: after[0]?.from ?? this.path.at(-1)?.to ?? 0 };
    if (end <= begin || span.to - span.from < end - begin) return false;
    const rest = [...before, ...after];
    const floor = this.model.objective === 'latency' ? 0 : Math.max(0, ...rest.map((cut) => this.model.stageMax(cut.node, cut.from, cut.to)));
    const window = this.cut(order.slice(begin, end), span, floor);
    if (window === undefined) return false;
    return this.take([...before, ...window, ...after]);
  }

  /** The cheapest cuts for nodes in this order, when no other stage is busier than `floor`. Row k holds the best of nodes 0..k-1. */
  private cut(nodes: readonly number[], span: { from: number; to: number }, floor: number): Cut[] | undefined {
    const { model, sums, maxima, froms } = this;
    const size = span.to - span.from + 1;
    sums.fill(Infinity, 0, (nodes.length + 1) * size);
    [sums[0], maxima[0]] = [0, floor];
    for (let k = 0; k < nodes.length; k++) {
      const node = nodes[k] ?? 0;
      const isLast = k + 1 === nodes.length;
      const reach = model.reach[node];
      for (let a = k; a < size - 1; a++) {
        const before = k * size + a;
        const end = Math.min(size - 1, at(reach, span.from + a) - span.from);
        if (at(sums, before) === Infinity || (isLast && end < size - 1)) continue;
        const entered = this.enter(nodes[k - 1], node, { edge: span.from + a, sum: at(sums, before), max: at(maxima, before) });
        this.work -= 4;
        for (let b = isLast ? end : a + 1; b <= end; b++) {
          const [from, to] = [span.from + a, span.from + b];
          const after = (k + 1) * size + b;
          const sum = entered + model.stageSum(node, from, to);
          if (sum >= at(sums, after) + at(maxima, after) || !model.fits(node, from, to)) continue;
          const max = Math.max(this.enteredMax, model.stageMax(node, from, to));
          if (sum + max >= at(sums, after) + at(maxima, after)) continue;
          sums[after] = sum;
          maxima[after] = max;
          froms[after] = a;
        }
        this.work -= end - a;
      }
    }
    return at(sums, nodes.length * size + size - 1) === Infinity ? undefined : this.trace(nodes, span);
  }

  /** Cost so far with the hop from the previous node, whose link may be the busiest part. */
  private enter(previous: number | undefined, node: number, label: { edge: number; sum: number; max: number }): number {
    if (previous === undefined) {
      this.enteredMax = label.max;
      return label.sum;
    }
    this.enteredMax = Math.max(label.max, this.model.hopMax(previous, node, label.edge));
    return label.sum + this.model.hopSum(previous, node, label.edge);
  }

  private trace(nodes: readonly number[], span: { from: number; to: number }): Cut[] {
    const size = span.to - span.from + 1;
    const cuts: Cut[] = [];
    let to = size - 1;
    for (let k = nodes.length; k > 0; k--) {
      const from = at(this.froms, k * size + to);
      cuts.unshift({ node: nodes[k - 1] ?? 0, from: span.from + from, to: span.from + to });
      to = from;
    }
    return cuts;
  }
}
