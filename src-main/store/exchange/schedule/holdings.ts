/** Bits of a list of leaves, lowest bit of the first byte first: the form that `have` carries. */
export const bitmapBytes = (leaves: number): number => Math.ceil(leaves / 8);

export const hasBit = (bits: Uint8Array, index: number): boolean => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;

export function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(1 << (index & 7));
}

/** Which leaves of a shard somebody has. */
export type Held = 'all' | 'none' | Uint8Array;

export const holds = (held: Held, leaf: number): boolean => (typeof held === 'string' ? held === 'all' : hasBit(held, leaf));
