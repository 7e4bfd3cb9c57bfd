/** Three nodes and the links between them, of a square of side 1: what the icon beside the clock shows. */
const NODES = [[0.5, 0.18], [0.18, 0.78], [0.82, 0.78]] as const;
const RADIUS = 0.17;
const LINK_WIDTH = 0.09;
const SAMPLES = 4;

/** Shades that stand out from light and dark panels alike; macOS colours a template by itself and looks at nothing but how opaque it is. */
const COLOUR = { template: [0, 0, 0], plain: [0x8a, 0x8f, 0xff] } as const;

/** BGRA, row by row, `4 * side * side` bytes: what `nativeImage.createFromBitmap` takes. Drawn, so that no size of it has to be kept as a file. */
export function trayBitmap(side: number, kind: keyof typeof COLOUR): Buffer {
  const bitmap = Buffer.alloc(4 * side * side);
  const [red, green, blue] = COLOUR[kind];
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const alpha = coverage(x, y, side);
      // Premultiplied, as Skia keeps its pixels.
      bitmap.set([blue, green, red, 255].map((part) => Math.round(part * alpha)), 4 * (y * side + x));
    }
  }
  return bitmap;
}

/** How much of a pixel is covered, of a few points in it. */
function coverage(x: number, y: number, side: number): number {
  let inside = 0;
  for (let index = 0; index < SAMPLES * SAMPLES; index += 1) {
    const at = [(x + ((index % SAMPLES) + 0.5) / SAMPLES) / side, (y + (Math.floor(index / SAMPLES) + 0.5) / SAMPLES) / side] as const;
    if (isDrawn(at)) inside += 1;
  }
  return inside / (SAMPLES * SAMPLES);
}

type Point = readonly [number, number];

const isDrawn = (at: Point): boolean => NODES.some((node) => distance(at, node) < RADIUS) || NODES.some((from, index) => toLine(at, from, NODES[(index + 1) % NODES.length] ?? from) < LINK_WIDTH / 2);
const distance = ([x, y]: Point, [toX, toY]: Point): number => Math.hypot(x - toX, y - toY);

function toLine(at: Point, from: Point, to: Point): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const along = Math.max(0, Math.min(1, ((at[0] - from[0]) * dx + (at[1] - from[1]) * dy) / (dx * dx + dy * dy)));
  return distance(at, [from[0] + along * dx, from[1] + along * dy]);
}
