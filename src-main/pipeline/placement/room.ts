import { at, type CostModel, type Cut } from './model.ts';

/** A row of nodes that are filled one after the other. */
interface Row {
  readonly used: bigint;
  readonly edge: number;
  /** Pieces that its nodes could hold. */
  readonly spent: number;
  readonly cut: Cut | undefined;
  readonly parent: Row | undefined;
}

/** Rows of one length that are kept. */
const WIDTH = 256;

/**
 * Some path that fits, whatever it costs: for when memory is so scarce that the searches by cost use
 * up the large nodes too soon. Fills nodes in turn and keeps the rows that waste the least of theirs.
 */
export function findRoom(model: CostModel, span: { from: number; to: number }): Cut[] | undefined {
  const worth = Array.from({ length: model.count }, (_, node) => at(model.reach[node], span.from) - span.from);
  let rows: Row[] = [{ used: 0n, edge: span.from, spent: 0, cut: undefined, parent: undefined }];
  for (let length = 0; length < model.count && rows.length > 0; length++) {
    const next = new Map<string, Row>();
    for (const row of rows) {
      for (let node = 0; node < model.count; node++) {
        const longer = extend(model, row, { node, end: span.to, worth: worth[node] ?? 0 });
        if (longer === undefined) continue;
        if (longer.edge === span.to && model.cost(trace(longer)) < Infinity) return trace(longer);
        const key = `${longer.used}/${node}`;
        if (longer.edge < span.to && longer.edge > (next.get(key)?.edge ?? 0)) next.set(key, longer);
      }
    }
    rows = [...next.values()].sort((a, b) => a.spent - a.edge - (b.spent - b.edge)).slice(0, WIDTH);
  }
  return undefined;
}

function extend(model: CostModel, row: Row, { node, end, worth }: { node: number; end: number; worth: number }): Row | undefined {
  const bit = 1n << BigInt(node);
  if ((row.used & bit) !== 0n || (row.cut !== undefined && model.hopSum(row.cut.node, node, row.edge) === Infinity)) return undefined;
  let to = Math.min(end, at(model.reach[node], row.edge));
  while (to > row.edge && !model.fits(node, row.edge, to)) to--;
  return to === row.edge ? undefined : { used: row.used | bit, edge: to, spent: row.spent + worth, cut: { node, from: row.edge, to }, parent: row };
}

function trace(last: Row): Cut[] {
  const path: Cut[] = [];
  for (let row: Row | undefined = last; row?.cut !== undefined; row = row.parent) path.unshift(row.cut);
  return path;
}
