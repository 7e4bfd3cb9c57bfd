import { stat } from 'node:fs/promises';
import { hashTree, type HashedTree } from '../dag/index.ts';
import { shardErrors } from '../errors.ts';
import { fileSource, type ByteSource } from '../gguf/source.ts';
import { hashSource, hashSources, type HashOptions } from './digest.ts';
import type { ManifestPiece } from './manifest.ts';
import { modelFiles } from './open-model.ts';

/** Checks a file against its manifest entry: size, then root and BLAKE3 of every byte. Returns its tree. Throws SHARD_MISSING, SHARD_WRONG_SIZE, SHARD_HASH_MISMATCH. */
export async function verifyShard(path: string, entry: Pick<ManifestPiece, 'cid' | 'size_bytes' | 'blake3_hash'>, options: HashOptions = {}): Promise<HashedTree> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw shardErrors.missing({ path });
  if (found.size !== entry.size_bytes) throw shardErrors.wrongSize({ path, expected: entry.size_bytes, actual: found.size });
  const tree = await treeOfFile(path, options);
  if (tree.hash !== entry.blake3_hash || tree.cid !== entry.cid) throw shardErrors.hashMismatch({ path, expected: `${entry.blake3_hash} (${entry.cid})`, actual: `${tree.hash} (${tree.cid})` });
  return tree;
}

/** BLAKE3 of a file, 64 hex digits. Throws STORE_READ_FAILED or the signal's reason. */
export const hashFile = (path: string, options: HashOptions = {}): Promise<string> => withSource(path, (source) => hashSource(source, options));

/** What manifests call `model_hash`: of a model in several files the BLAKE3 of their bytes one after the other. Throws also SHARD_SPLIT_MODEL. */
export async function hashModelFiles(path: string, options: HashOptions = {}): Promise<string> {
  const sources: ByteSource[] = [];
  try {
    for (const file of await modelFiles(path)) sources.push(await fileSource(file));
    return await hashSources(sources, options);
  } finally {
    for (const source of sources) await source.close();
  }
}

/** Throws STORE_READ_FAILED, DAG_BAD_SIZE or the signal's reason. */
export const treeOfFile = (path: string, options: HashOptions = {}): Promise<HashedTree> => withSource(path, (source) => hashTree(source, options));

async function withSource<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await fileSource(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
