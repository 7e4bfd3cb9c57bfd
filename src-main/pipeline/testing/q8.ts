import { rowBytes } from '../../inference/index.ts';

const BLOCK = 32;

/** [rows x hidden size] as docs/protocols/stage.md has it, written a second time: what the addon does is compared with this. */
export function encodeQ8(values: ArrayLike<number>, hiddenSize: number): Uint8Array {
  const bytes = rowBytes('q8', hiddenSize);
  const view = new DataView(new ArrayBuffer((values.length / hiddenSize) * bytes));
  eachBlock(values.length, hiddenSize, ({ value, byte, count }) => {
    const block = Array.from({ length: count }, (_, i) => values[value + i] ?? 0);
    const most = Math.max(...block.map(Math.abs));
    view.setFloat16(byte, Math.fround(most / 127), true);
    const step = view.getFloat16(byte, true);
    const isFinite = block.every(Number.isFinite) && Number.isFinite(step);
    if (!isFinite) view.setUint16(byte, 0x7e00, true);
    block.forEach((one, i) => view.setInt8(byte + 2 + i, isFinite && step > 0 ? toEven(Math.max(-127, Math.min(127, Math.fround(one / step)))) : 0));
  });
  return new Uint8Array(view.buffer);
}

export function decodeQ8(data: Uint8Array, hiddenSize: number): Float32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = new Float32Array((data.byteLength / rowBytes('q8', hiddenSize)) * hiddenSize);
  eachBlock(values.length, hiddenSize, ({ value, byte, count }) => {
    for (let i = 0; i < count; i++) values[value + i] = view.getInt8(byte + 2 + i) * view.getFloat16(byte, true);
  });
  return values;
}

function eachBlock(total: number, hiddenSize: number, act: (block: { readonly value: number; readonly byte: number; readonly count: number }) => void): void {
  for (let row = 0; row < total / hiddenSize; row++) {
    for (let at = 0; at < hiddenSize; at += BLOCK) act({ value: row * hiddenSize + at, byte: row * rowBytes('q8', hiddenSize) + (at / BLOCK) * (BLOCK + 2), count: Math.min(BLOCK, hiddenSize - at) });
  }
}

function toEven(value: number): number {
  const below = Math.floor(value);
  const isHalf = value - below === 0.5;
  return isHalf ? below + Math.abs(below % 2) : Math.round(value);
}
