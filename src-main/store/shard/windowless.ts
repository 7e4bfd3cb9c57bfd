import { bool, boolArray, f32, u32, type GgufMetadata, type GgufValue } from '../gguf/values.ts';
import type { Piece } from './piece.ts';
import { SHARD_KEYS } from './shard-keys.ts';

/** Wider than any context, yet times 256 sequences still within 32 bits: llama.cpp multiplies the two. */
const WIDE_WINDOW_TOKENS = 2 ** 22;
/** The loaders' default when a file states no rope base. */
const DEFAULT_ROPE_BASE = 10_000;

const changedKeys = (architecture: string): string[] => [`${architecture}.attention.sliding_window`, `${architecture}.rope.freq_base_swa`];

/**
 * The model's metadata with the window pattern of just these layers. llama.cpp
 * aborts on a windowed model without a windowed layer, so such a piece is
 * written as not windowed where the loader lets us say so, and elsewhere as a
 * window so wide that it never cuts, with the rope base of full attention.
 */
export function windowMetadata(piece: Piece): GgufMetadata {
  const { architecture, windows, rule } = piece;
  if (windows === undefined) return piece.metadata;
  const pattern: [string, GgufValue] = [`${architecture}.attention.sliding_window_pattern`, boolArray(windows)];
  if (windows.some(Boolean)) return new Map([...piece.metadata, pattern]);
  const metadata = new Map(piece.metadata);
  if (rule.window?.present === 'key') metadata.set(`${architecture}.attention.sliding_window`, u32(0));
  else {
    metadata.set(`${architecture}.attention.sliding_window`, u32(WIDE_WINDOW_TOKENS));
    metadata.set(`${architecture}.rope.freq_base_swa`, piece.metadata.get(`${architecture}.rope.freq_base`) ?? f32(DEFAULT_ROPE_BASE));
    metadata.set(pattern[0], boolArray(windows.map(() => true)));
  }
  for (const key of changedKeys(architecture)) {
    const value = piece.metadata.get(key);
    if (value !== undefined) metadata.set(SHARD_KEYS.original + key, value);
  }
  return metadata.set(SHARD_KEYS.windowless, bool(true));
}

/** Takes the changes of `windowMetadata` back. */
export function restoreWindow(metadata: GgufMetadata, architecture: string): GgufMetadata {
  const restored = new Map(metadata);
  for (const key of changedKeys(architecture)) {
    const value = metadata.get(SHARD_KEYS.original + key);
    if (value === undefined) restored.delete(key);
    else restored.set(key, value);
  }
  return restored;
}
