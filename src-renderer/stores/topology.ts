/** Where the map of the mesh puts nodes; pure. Rings are measured round trips, the angle is a node's own: it stays when others come and go. */

export interface MapNode {
  readonly id: string;
  /** Absent: not measured. */
  readonly rttMs?: number;
  /** Shown before others where not all have room. */
  readonly isFirst?: boolean;
}

/** Rings by what they hold: up to so many ms, more than that, or nobody measured. */
export type RingLabel = { readonly kind: 'upTo' | 'over'; readonly ms: number } | { readonly kind: 'unmeasured' };
export interface Ring {
  readonly radius: number;
  readonly label: RingLabel;
}
export interface Point {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}
/** Nodes of one ring that have no room on the map. */
export interface More extends Point {
  readonly ids: readonly string[];
}
export interface MapLayout {
  /** Of the square, px; the middle is at half of it. */
  readonly size: number;
  readonly nodeRadius: number;
  readonly rings: readonly Ring[];
  readonly placed: readonly Point[];
  readonly more: readonly More[];
}

/** Upper ends of the rings, ms; the last one is for more than that. */
const RING_LIMITS_MS = [1, 5, 20, 50, 100, 200, 500] as const;
const OVER = RING_LIMITS_MS.length;
const UNMEASURED = OVER + 1;
/** A node changes its ring when it is as much beyond the end of it: figures tremble. */
const HOLD = 1.25;
/** Of the middle, with the space around it. */
const MIDDLE = 46;
/** Kept free above the middle, for the rings' labels. */
const LABEL_HALF_WIDTH = 34;
/** Around the outermost ring, for its label. */
const EDGE = 12;
/** A ring is not further from the one before than this part of the whole. */
const LARGEST_STEP = 0.32;

/** The ring of a round trip; `before`: where the node was, and stays if it may. */
export function ringOf(rttMs: number | undefined, before?: number): number {
  if (rttMs === undefined) return UNMEASURED;
  const found = RING_LIMITS_MS.findIndex((limit) => rttMs <= limit);
  const ring = found === -1 ? OVER : found;
  if (before === undefined || before > OVER || before === ring) return ring;
  const [from, to] = [RING_LIMITS_MS[before - 1] ?? 0, RING_LIMITS_MS[before] ?? Number.POSITIVE_INFINITY];
  return rttMs >= from / HOLD && rttMs <= to * HOLD ? before : ring;
}

const labelOf = (ring: number): RingLabel => (ring === UNMEASURED ? { kind: 'unmeasured' } : ring === OVER ? { kind: 'over', ms: RING_LIMITS_MS[OVER - 1] ?? 0 } : { kind: 'upTo', ms: RING_LIMITS_MS[ring] ?? 0 });

/** FNV-1a, 32 bits, mixed once more: ids that differ in one character are far apart. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

interface Sizes {
  readonly nodeRadius: number;
  /** From one node to the next on a row, and from row to row. */
  readonly spacing: number;
  readonly rowGap: number;
}

function sizesFor(count: number, size: number): Sizes {
  if (count <= 16) return size < 420 ? { nodeRadius: 12, spacing: 46, rowGap: 40 } : { nodeRadius: 15, spacing: 60, rowGap: 50 };
  return count <= 60 && size >= 420 ? { nodeRadius: 10, spacing: 28, rowGap: 30 } : { nodeRadius: 7, spacing: 19, rowGap: 21 };
}

interface Band {
  readonly ring: number;
  readonly nodes: MapNode[];
  rows: number;
}

/** `most`: of its side, px; it is smaller where less will do. `before`: the rings of the last layout, by node; the ones of this layout are left in it. */
export function layoutMap(nodes: readonly MapNode[], most: number, before: Map<string, number> = new Map()): MapLayout {
  const sizes = sizesFor(nodes.length, most);
  const outer = most / 2 - sizes.rowGap / 2 - 2;
  const inner = MIDDLE + sizes.nodeRadius;
  const room = Math.max(1, Math.floor((outer - inner) / sizes.rowGap) + 1);
  const bands = merged(bandsOf(nodes, before), room);
  giveRows(bands, { room, inner, outer, sizes });
  const rows = radiiOf(bands, { inner, outer, sizes });
  const rings = rows.map(({ band, radii }): Ring => ({ radius: (radii.at(-1) ?? inner) + sizes.rowGap / 2, label: labelOf(band.ring) }));
  const size = Math.min(most, 2 * Math.ceil((rings.at(-1)?.radius ?? MIDDLE) + EDGE));
  const placed: Point[] = [];
  const more: More[] = [];
  for (const { band, radii } of rows) {
    const result = placeBand(band, { radii, spacing: sizes.spacing, middle: size / 2 });
    placed.push(...result.placed);
    if (result.more !== undefined) more.push(result.more);
  }
  return { size, nodeRadius: sizes.nodeRadius, rings, placed, more };
}

function bandsOf(nodes: readonly MapNode[], before: Map<string, number>): Band[] {
  const rings = new Map(nodes.map(({ id, rttMs }) => [id, ringOf(rttMs, before.get(id))]));
  before.clear();
  for (const [id, ring] of rings) before.set(id, ring);
  const groups = Map.groupBy(nodes, ({ id }) => rings.get(id) ?? UNMEASURED);
  return [...groups].sort(([a], [b]) => a - b).map(([ring, members]) => ({ ring, nodes: members, rows: 1 }));
}

/** As many bands as have room: of two that become one, the wider end names it. Who was not measured stays apart as long as there is room for two. */
function merged(bands: readonly Band[], room: number): Band[] {
  const list = [...bands];
  while (list.length > Math.max(1, room)) {
    const last = list.at(-1)?.ring === UNMEASURED && list.length > 2 ? list.length - 2 : list.length - 1;
    const pairs = Array.from({ length: last }, (_, index) => ({ index, weight: (list[index]?.nodes.length ?? 0) + (list[index + 1]?.nodes.length ?? 0) }));
    const { index } = pairs.reduce((best, pair) => (pair.weight < best.weight ? pair : best));
    const [near, far] = [list[index], list[index + 1]];
    if (near !== undefined && far !== undefined) list.splice(index, 2, { ring: far.ring, nodes: [...near.nodes, ...far.nodes], rows: 1 });
  }
  return list;
}

interface Frame {
  readonly inner: number;
  readonly outer: number;
  readonly sizes: Sizes;
}

/** Rows of each band, from the middle outwards; every band has one at least. */
function radiiOf(bands: readonly Band[], { inner, outer, sizes: { rowGap } }: Frame): ReadonlyArray<{ readonly band: Band; readonly radii: readonly number[] }> {
  const rows = bands.reduce((sum, band) => sum + band.rows, 0);
  const spare = Math.max(0, outer - inner - (rows - 1) * rowGap);
  const step = Math.min(spare / Math.max(1, bands.length), (outer - inner) * LARGEST_STEP);
  let next = inner;
  return bands.map((band) => {
    next += step;
    const radii = Array.from({ length: band.rows }, (_, row) => next + row * rowGap);
    next += band.rows * rowGap;
    return { band, radii };
  });
}

/** One row more where the most nodes are without a place, until all have one or no row is left. */
function giveRows(bands: readonly Band[], frame: Frame & { readonly room: number }): void {
  for (let left = frame.room - bands.length; left > 0; left -= 1) {
    const lacking = radiiOf(bands, frame).map(({ band, radii }) => ({ band, lack: band.nodes.length - radii.reduce((sum, radius) => sum + slotsOf(radius, frame.sizes.spacing).length, 0) }));
    const [worst] = lacking.toSorted((a, b) => b.lack - a.lack);
    if (worst === undefined || worst.lack <= 0) return;
    worst.band.rows += 1;
  }
}

/** Angles of the places of a row, clockwise from the top, without those under the rings' labels. */
function slotsOf(radius: number, spacing: number): readonly number[] {
  const count = Math.max(1, Math.floor((2 * Math.PI * radius) / spacing));
  const half = Math.asin(Math.min(1, LABEL_HALF_WIDTH / radius));
  return Array.from({ length: count }, (_, index) => ((index + 0.5) / count) * 2 * Math.PI).filter((angle) => angle >= half && angle <= 2 * Math.PI - half);
}

interface Row {
  readonly radius: number;
  readonly angles: readonly number[];
  readonly isTaken: boolean[];
}

function placeBand(band: Band, { radii, spacing, middle }: { readonly radii: readonly number[]; readonly spacing: number; readonly middle: number }): { readonly placed: readonly Point[]; readonly more?: More } {
  const rows = radii.map((radius): Row => { const angles = slotsOf(radius, spacing); return { radius, angles, isTaken: angles.map(() => false) }; });
  const room = rows.reduce((sum, { angles }) => sum + angles.length, 0);
  // By their hashes, so that who comes takes no place from most of those who are there.
  const sorted = band.nodes.map((node) => ({ node, hash: hashOf(node.id) })).sort((a, b) => Number(b.node.isFirst === true) - Number(a.node.isFirst === true) || a.hash - b.hash || (a.node.id < b.node.id ? -1 : 1));
  const shown = sorted.length > room ? sorted.slice(0, Math.max(0, room - 1)) : sorted;
  const at = (id: string, hash: number): Point => pointOf(id, take(rows, hash), middle);
  const placed = shown.map(({ node, hash }) => at(node.id, hash));
  const rest = sorted.slice(shown.length).map(({ node }) => node.id);
  return rest.length === 0 ? { placed } : { placed, more: { ...at(`more-${band.ring}`, hashOf(`more-${band.ring}`)), ids: rest } };
}

const pointOf = (id: string, { radius, angle }: { readonly radius: number; readonly angle: number }, middle: number): Point => ({ id, x: middle + radius * Math.sin(angle), y: middle - radius * Math.cos(angle) });

/** The free place nearest to the hash's own angle, on its own row first. */
function take(rows: readonly Row[], hash: number): { readonly radius: number; readonly angle: number } {
  const own = hash % rows.length;
  const wanted = (hash / 2 ** 32) * 2 * Math.PI;
  let best: { row: Row; index: number; cost: number } | undefined;
  for (const [order, row] of rows.entries()) {
    for (const [index, angle] of row.angles.entries()) {
      if (row.isTaken[index] === true) continue;
      const apart = Math.abs(angle - wanted);
      const cost = Math.min(apart, 2 * Math.PI - apart) * row.radius + (order === own ? 0 : 1);
      if (best === undefined || cost < best.cost) best = { row, index, cost };
    }
  }
  if (best === undefined) return { radius: rows[0]?.radius ?? 0, angle: wanted };
  best.row.isTaken[best.index] = true;
  return { radius: best.row.radius, angle: best.row.angles[best.index] ?? 0 };
}

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';
const AXES: Readonly<Record<Direction, readonly [x: number, y: number]>> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
/** What lies aside counts as so much further away. */
const ASIDE = 2.5;

/** The node to go to with an arrow key: near, and in that direction rather than aside; the same one where nothing is. */
export function nextNode(points: readonly Point[], from: string, direction: Direction): string {
  const here = points.find(({ id }) => id === from);
  const [dx, dy] = AXES[direction];
  let [best, least] = [from, Number.POSITIVE_INFINITY];
  for (const { id, x, y } of points) {
    if (here === undefined || id === from) continue;
    const along = (x - here.x) * dx + (y - here.y) * dy;
    const aside = Math.abs((x - here.x) * dy - (y - here.y) * dx);
    if (along < 1) continue;
    const cost = along + aside * ASIDE;
    if (cost < least) [best, least] = [id, cost];
  }
  return best;
}

export interface MapLabel {
  readonly id: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}
const CHAR_WIDTH = 6.8;
const LINE_HEIGHT = 15;
const meets = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Names that fit below or above their nodes without covering anything, in the order given; the others are shown when asked for. `aside`: room on either side of the map, px. */
export function placeLabels(names: ReadonlyArray<{ readonly id: string; readonly text: string }>, { placed, more, nodeRadius, size, rings }: MapLayout, aside = 0): readonly MapLabel[] {
  const points = new Map(placed.map((point) => [point.id, point]));
  const around = (x: number, y: number, radius: number): Box => ({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius });
  const taken: Box[] = [
    ...placed.map(({ x, y }) => around(x, y, nodeRadius)), ...more.map(({ x, y }) => around(x, y, nodeRadius + 6)), around(size / 2, size / 2, MIDDLE - 8),
    ...rings.map(({ radius }): Box => ({ left: size / 2 - LABEL_HALF_WIDTH, right: size / 2 + LABEL_HALF_WIDTH, top: size / 2 - radius - 8, bottom: size / 2 - radius + 8 })),
  ];
  return names.flatMap(({ id, text }): MapLabel[] => {
    const point = points.get(id);
    if (point === undefined) return [];
    const half = (text.length * CHAR_WIDTH) / 2;
    for (const y of [point.y + nodeRadius + LINE_HEIGHT + 2, point.y - nodeRadius - 7]) {
      const box: Box = { left: point.x - half, right: point.x + half, top: y - LINE_HEIGHT + 2, bottom: y + 3 };
      if (box.left < -aside || box.right > size + aside || box.top < 0 || box.bottom > size || taken.some((other) => meets(other, box))) continue;
      taken.push(box);
      return [{ id, text, x: point.x, y }];
    }
    return [];
  });
}
