import { ggufErrors } from '../errors.ts';
import type { GgufMetadata } from '../gguf/values.ts';

/** A whole number, whatever integer type the converter chose; undefined when absent or of another kind. */
export function optionalNumber(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key);
  if (value === undefined || !('value' in value)) return undefined;
  const number = typeof value.value === 'bigint' ? Number(value.value) : value.value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

export function requiredNumber(metadata: GgufMetadata, key: string, bounds: { min: number; max: number }): number {
  const value = optionalNumber(metadata, key);
  if (value === undefined || value < bounds.min || value > bounds.max) throw ggufErrors.missingKey({ key, expected: `a whole number from ${bounds.min} to ${bounds.max}` });
  return value;
}

export function optionalText(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key);
  return value?.type === 'string' ? value.value : undefined;
}

export function requiredText(metadata: GgufMetadata, key: string): string {
  const value = optionalText(metadata, key);
  if (value === undefined || value === '') throw ggufErrors.missingKey({ key, expected: 'a text' });
  return value;
}
