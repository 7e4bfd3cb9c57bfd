/** A whole number from 0 to below - 1. */
export type Random = (below: number) => number;

/** xorshift32: the same numbers for the same seed. */
export function randomOf(seed: number): Random {
  // Spread over all bits: small seeds begin alike otherwise.
  let state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
