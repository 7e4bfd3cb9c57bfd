import { stat } from 'node:fs/promises';
import { shardErrors } from '../errors.ts';
import { fileSource } from '../gguf/source.ts';
import { hashSource, type HashOptions } from './digest.ts';
import type { ManifestPiece } from './manifest.ts';

/** Checks a file against its manifest entry: size, then BLAKE3 of every byte. Throws SHARD_MISSING, SHARD_WRONG_SIZE, SHARD_HASH_MISMATCH. */
export async function verifyShard(path: string, entry: Pick<ManifestPiece, 'size_bytes' | 'blake3_hash'>, options: HashOptions = {}): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw shardErrors.missing({ path });
  if (found.size !== entry.size_bytes) throw shardErrors.wrongSize({ path, expected: entry.size_bytes, actual: found.size });
  const actual = await hashFile(path, options);
  if (actual !== entry.blake3_hash) throw shardErrors.hashMismatch({ path, expected: entry.blake3_hash, actual });
}

export async function hashFile(path: string, options: HashOptions = {}): Promise<string> {
  const source = await fileSource(path);
  try {
    return await hashSource(source, options);
  } finally {
    await source.close();
  }
}
