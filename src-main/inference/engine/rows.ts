import type { ActivationDtype } from './types.ts';

const Q8_BLOCK = 32;
const Q8_SCALE_BYTES = 2;

/** Bytes of one row of hidden states in transit; native/src/rows.h has the same. */
export function rowBytes(dtype: ActivationDtype, hiddenSize: number): number {
  if (dtype === 'f32') return 4 * hiddenSize;
  return dtype === 'f16' ? 2 * hiddenSize : hiddenSize + Q8_SCALE_BYTES * Math.ceil(hiddenSize / Q8_BLOCK);
}
