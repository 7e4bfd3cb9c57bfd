/** A way to put rows in bytes: so many 8-bit values share a scale of so many bytes. */
export interface Layout {
  readonly name: string;
  /** Infinity: the whole row. */
  readonly block: number;
  readonly scaleBytes: 2 | 4;
}

export const LAYOUTS: readonly Layout[] = [
  { name: 'row, F32 scale', block: Infinity, scaleBytes: 4 }, { name: 'blocks of 128, F16 scale', block: 128, scaleBytes: 2 }, { name: 'blocks of 64, F16 scale', block: 64, scaleBytes: 2 },
  { name: 'blocks of 32, F16 scale', block: 32, scaleBytes: 2 }, { name: 'blocks of 32, F32 scale', block: 32, scaleBytes: 4 }, { name: 'blocks of 16, F16 scale', block: 16, scaleBytes: 2 },
];

export const bytesPerValue = ({ block, scaleBytes }: Layout, width: number): number => 1 + (Math.ceil(width / Math.min(block, width)) * scaleBytes) / width;

/** What comes out of a row that was written in a layout. */
function thereAndBack(row: Float32Array, { block, scaleBytes }: Layout): Float32Array {
  const out = new Float32Array(row.length);
  const size = Math.min(block, row.length);
  for (let at = 0; at < row.length; at += size) {
    const part = row.subarray(at, at + size);
    const most = part.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127;
    const step = scaleBytes === 2 ? Math.f16round(most) : Math.fround(most);
    part.forEach((value, i) => (out[at + i] = step === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(value / step))) * step));
  }
  return out;
}

/** Root mean square of what a layout changes ÷ that of the values, over the columns that count. */
export function relativeError(rows: readonly Float32Array[], layout: Layout, counts: (column: number) => boolean = () => true): number {
  let [error, power] = [0, 0];
  for (const row of rows) {
    const back = thereAndBack(row, layout);
    row.forEach((value, column) => {
      if (!counts(column)) return;
      error += ((back[column] ?? 0) - value) ** 2;
      power += value ** 2;
    });
  }
  return Math.sqrt(error / power);
}
