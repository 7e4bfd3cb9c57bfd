import type { LayerRange } from '../../base/index.ts';

/**
 * Which bytes of a range a node has on disk: shards count only whole and inside the
 * range, and overlapping ones not twice (the disjoint ones with the most bytes count).
 */
export class Holdings {
  private readonly weights: Float64Array;
  /** Bytes of the shards that end at or before an edge, and of those that start before it. */
  private readonly ended: Float64Array;
  private readonly started: Float64Array;
  /** [from * edges + to], only where shards overlap. */
  private readonly table: Float64Array | undefined;

  /** @param weights - bytes before each edge. */
  constructor(shards: readonly LayerRange[], edges: readonly number[], weights: Float64Array) {
    this.weights = weights;
    const index = new Map(edges.map((edge, i) => [edge, i]));
    const spans = shards.flatMap(({ first, last }) => {
      const [from, to] = [index.get(first), index.get(last + 1)];
      return from === undefined || to === undefined || from >= to ? [] : [{ from, to, bytes: (weights[to] ?? 0) - (weights[from] ?? 0) }];
    }).sort((a, b) => a.to - b.to || a.from - b.from);
    this.ended = new Float64Array(edges.length);
    this.started = new Float64Array(edges.length);
    for (const { from, to, bytes } of spans) {
      for (let e = to; e < edges.length; e++) this.ended[e] = (this.ended[e] ?? 0) + bytes;
      for (let e = from + 1; e < edges.length; e++) this.started[e] = (this.started[e] ?? 0) + bytes;
    }
    const overlaps = spans.some(({ from }, i) => i > 0 && from < (spans[i - 1]?.to ?? 0));
    this.table = overlaps ? heldTable(spans, edges.length) : undefined;
  }

  /** Bytes that must be fetched before edges `from`..`to` can be loaded; 0: a run of whole shards. */
  lacks(from: number, to: number): number {
    const held = this.table === undefined ? (this.ended[to] ?? 0) - (this.started[from] ?? 0) : (this.table[from * this.weights.length + to] ?? 0);
    const whole = (this.weights[to] ?? 0) - (this.weights[from] ?? 0);
    return held <= 0 ? whole : whole - held;
  }
}

/** For each pair of edges the most bytes of disjoint shards between them. */
function heldTable(spans: readonly { from: number; to: number; bytes: number }[], edges: number): Float64Array {
  const table = new Float64Array(edges * edges);
  for (let from = 0; from < edges; from++) {
    const row = table.subarray(from * edges, (from + 1) * edges);
    let next = 0;
    for (let to = from + 1; to < edges; to++) {
      row[to] = row[to - 1] ?? 0;
      for (; next < spans.length && (spans[next]?.to ?? Infinity) <= to; next++) {
        const span = spans[next];
        if (span !== undefined && span.from >= from) row[to] = Math.max(row[to] ?? 0, (row[span.from] ?? 0) + span.bytes);
      }
    }
  }
  return table;
}
