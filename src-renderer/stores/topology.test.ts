import { describe, expect, it } from 'vitest';
import { hashOf, layoutMap, nextNode, placeLabels, ringOf, type MapLayout, type MapNode } from './topology.ts';

const mesh = (count: number, rttOf: (index: number) => number | undefined = (index) => (index % 9 === 0 ? undefined : 0.3 * 1.05 ** index)): MapNode[] =>
  Array.from({ length: count }, (_, index) => { const rttMs = rttOf(index); return { id: `12D3KooWScripted${index}`, ...(rttMs === undefined ? {} : { rttMs }) }; });
const all = ({ placed, more }: MapLayout) => [...placed, ...more];
function nearest({ placed, more }: MapLayout): number {
  const points = [...placed, ...more];
  return Math.min(...points.flatMap((a, index) => points.slice(index + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y))));
}
const radiusOf = ({ size }: MapLayout, { x, y }: { x: number; y: number }): number => Math.hypot(x - size / 2, y - size / 2);
const angleOf = ({ size }: MapLayout, { x, y }: { x: number; y: number }): number => Math.atan2(x - size / 2, size / 2 - y);

describe('the map of the mesh', () => {
  it.each([[1, 560], [3, 560], [3, 300], [16, 560], [40, 560], [40, 300], [200, 560], [200, 300], [1000, 560], [1000, 280]])('%i nodes in %i px: none covers another, all are within, nobody is forgotten', (count, size) => {
    const layout = layoutMap(mesh(count), size);
    const hidden = layout.more.flatMap(({ ids }) => ids);
    expect(new Set([...layout.placed.map(({ id }) => id), ...hidden]).size).toBe(count);
    if (count > 1) expect(nearest(layout)).toBeGreaterThanOrEqual(2 * layout.nodeRadius);
    for (const point of all(layout)) expect(radiusOf(layout, point) + layout.nodeRadius).toBeLessThanOrEqual(size / 2);
  });

  it('shows all of 200 nodes at once, and on a phone the rest as one', () => {
    expect(layoutMap(mesh(200), 560).more).toEqual([]);
    const phone = layoutMap(mesh(200), 300);
    expect(phone.placed.length).toBeGreaterThan(40);
    expect(phone.more.length).toBeGreaterThan(0);
  });

  it('puts who is further away further out, and who was not measured outermost, and names the rings', () => {
    const layout = layoutMap(mesh(60), 560);
    expect(layout.rings.map(({ label }) => (label.kind === 'unmeasured' ? label.kind : `${label.kind} ${label.ms}`))).toEqual(['upTo 1', 'upTo 5', 'upTo 20', 'unmeasured']);
    const radius = (index: number): number => radiusOf(layout, layout.placed.find(({ id }) => id === `12D3KooWScripted${index}`)!);
    expect(radius(1)).toBeLessThan(radius(40));
    expect(radius(40)).toBeLessThan(radius(0));
    expect(layout.rings.map((ring) => ring.radius)).toEqual(layout.rings.map((ring) => ring.radius).toSorted((a, b) => a - b));
  });

  it('leaves nodes where they are when one comes or goes, and when figures tremble', () => {
    const nodes = mesh(12, () => 0.5);
    const [before, after] = [layoutMap(nodes, 560), layoutMap(nodes.slice(1), 560)];
    const moved = after.placed.filter((point) => { const old = before.placed.find(({ id }) => id === point.id)!; return Math.abs(angleOf(before, old) - angleOf(after, point)) > 1e-9; });
    expect(moved.length).toBeLessThanOrEqual(3);
    const rings = new Map<string, number>();
    const steady = layoutMap(mesh(12, () => 0.98), 560, rings);
    expect(layoutMap(mesh(12, () => 1.1), 560, rings)).toEqual(steady);
    expect(layoutMap(mesh(12, () => 1.4), 560, rings)).not.toEqual(steady);
    expect(layoutMap(nodes.toReversed(), 560).placed.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(before.placed.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  });

  it('shows those that matter before others where room lacks', () => {
    const nodes = mesh(1000, () => 0.5).map((node, index) => ({ ...node, isFirst: index >= 995 }));
    const shown = new Set(layoutMap(nodes, 280).placed.map(({ id }) => id));
    for (const { id } of nodes.slice(995)) expect(shown.has(id)).toBe(true);
  });

  it('holds a node on its ring until it is clearly beyond it', () => {
    expect([ringOf(0.5), ringOf(1), ringOf(1.01), ringOf(499), ringOf(501), ringOf(undefined)]).toEqual([0, 0, 1, 6, 7, 8]);
    expect([ringOf(1.2, 0), ringOf(1.3, 0), ringOf(0.9, 1), ringOf(0.7, 1), ringOf(450, 7), ringOf(3, 8), ringOf(undefined, 1)]).toEqual([0, 1, 1, 0, 7, 1, 8]);
  });

  it('spreads ids that are nearly alike', () => {
    const hashes = Array.from({ length: 64 }, (_, index) => hashOf(`12D3KooWAlike${index}`));
    const quarters = new Set(hashes.map((hash) => Math.floor(hash / 2 ** 30)));
    expect(quarters.size).toBe(4);
  });
});

it('goes with the arrow keys to what lies there, and reaches every node', () => {
  const layout = layoutMap(mesh(40), 560);
  const points = [{ id: 'self', x: 280, y: 280 }, ...layout.placed];
  const cross = [{ id: 'm', x: 0, y: 0 }, { id: 'up', x: 1, y: -10 }, { id: 'down', x: 0, y: 10 }, { id: 'left', x: -10, y: 2 }, { id: 'right', x: 10, y: 0 }, { id: 'far', x: 40, y: 0 }];
  expect(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'].map((key) => nextNode(cross, 'm', key as 'ArrowUp'))).toEqual(['up', 'down', 'left', 'right']);
  expect(nextNode(cross, 'far', 'ArrowRight')).toBe('far');
  const reached = new Set(['self']);
  for (const id of reached) for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] as const) reached.add(nextNode(points, id, key));
  expect(reached.size).toBe(points.length);
});

it('writes names that fit, over nothing else', () => {
  const layout = layoutMap(mesh(14), 560);
  const labels = placeLabels(layout.placed.map(({ id }, index) => ({ id, text: `machine ${index}` })), layout);
  expect(labels.length).toBeGreaterThan(7);
  for (const [index, a] of labels.entries()) for (const b of labels.slice(index + 1)) expect(Math.abs(a.y - b.y) >= 15 || Math.abs(a.x - b.x) >= 50).toBe(true);
  const crowd = layoutMap(mesh(200), 560);
  expect(placeLabels(crowd.placed.map(({ id }) => ({ id, text: 'a very long name of a machine' })), crowd).length).toBeLessThan(60);
});
