/** mulberry32: a small seeded generator; good enough for weights, the same on every platform. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** IEEE half precision bits of a positive finite number; subnormals are kept, for small quantisation scales. */
export function halfBits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.min(Math.abs(value), 65504);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -24)));
  const steps = Math.round(magnitude / 2 ** (exponent - 10));
  return sign + (exponent === -14 ? steps : (exponent + 14) * 1024 + steps);
}
