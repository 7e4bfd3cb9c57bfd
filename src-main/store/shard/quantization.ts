import type { TensorSpec } from '../gguf/writer.ts';

interface Sized extends TensorSpec {
  readonly sizeBytes: number;
}

/** The tensor type that most of the model's bytes have, e.g. `Q4_K`: what the file holds, not what its name claims. */
export function quantizationOf(tensors: readonly Sized[]): string {
  const bytes = new Map<string, number>();
  for (const { type, sizeBytes } of tensors) bytes.set(type.name, (bytes.get(type.name) ?? 0) + sizeBytes);
  const [most] = [...bytes].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? 'F32';
}
