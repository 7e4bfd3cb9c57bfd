import { readFile, stat } from 'node:fs/promises';
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { z } from 'zod';
import { firstIssue, type LayerRange, type ManifestCid } from '../../base/index.ts';
import { LEAF_BYTES, MAX_TREE_BYTES, parseShardCid } from '../dag/index.ts';
import { shardErrors } from '../errors.ts';
import { blake3, manifestCid } from './digest.ts';

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_LAYERS = 512;

// What DAG-CBOR would not give back as it was: half a character, a byte order mark at the front.
const text = z.string().min(1).max(256).refine((value) => value.isWellFormed() && !value.startsWith('\ufeff'), 'not plain text');
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(1);
const pieceSize = size.max(MAX_TREE_BYTES);
const layer = z.int().min(0).max(MAX_LAYERS - 1);
// Names of files in the manifest's own folder: never a path.
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

/** `cid` is the root of the piece's tree (dag/), `blake3_hash` that of its bytes. */
const piece = { cid: z.string().max(128), size_bytes: pieceSize, blake3_hash: hash, file_name: fileName };

const shardSchema = z.strictObject({
  shard_index: z.int().min(0).max(MAX_LAYERS - 1),
  ...piece,
  /** First and last layer, both included. */
  layer_range: z.tuple([layer, layer]),
  includes_embedding: z.boolean(),
  includes_head: z.boolean(),
});

/** The manifest of a sharded model; see docs/protocols. Unknown fields are refused. */
export const manifestSchema = z.strictObject({
  format_version: z.literal(2),
  model_name: text,
  /** BLAKE3 of the model file that was cut. */
  model_hash: hash,
  architecture: text,
  total_layers: z.int().min(1).max(MAX_LAYERS),
  quantization: text,
  /** Sum over all shards and the vocabulary. */
  total_size_bytes: size,
  hidden_size: z.int().min(1).max(2 ** 24),
  vocab_size: z.int().min(1).max(2 ** 31),
  /** What the model was trained for, in tokens; 0 = not stated. */
  context_length: z.int().min(0).max(2 ** 31),
  shards: z.array(shardSchema).min(1).max(MAX_LAYERS),
  /** Metadata and tokenizer, no tensors. */
  vocabulary: z.strictObject(piece),
}).superRefine((manifest, context) => {
  const problem = inconsistency(manifest);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestShard = Manifest['shards'][number];
export type ManifestPiece = Manifest['vocabulary'];

function inconsistency(manifest: Omit<Manifest, never>): string | undefined {
  let next = 0;
  for (const [index, shard] of manifest.shards.entries()) {
    const [first, last] = shard.layer_range;
    if (shard.shard_index !== index || first !== next || last < first) return `shard ${index} does not follow the one before`;
    if (shard.includes_embedding !== (first === 0)) return `shard ${index}: the embedding belongs to the first shard`;
    if (shard.includes_head !== (last === manifest.total_layers - 1)) return `shard ${index}: the head belongs to the last shard`;
    next = last + 1;
  }
  if (next !== manifest.total_layers) return `shards end at layer ${next - 1} of ${manifest.total_layers}`;
  const pieces = [...manifest.shards, manifest.vocabulary];
  if (!pieces.every(isNamedRight)) return 'a CID does not match its size and BLAKE3 hash';
  if (new Set(pieces.map((entry) => entry.file_name)).size !== pieces.length) return 'two pieces have one file name';
  return pieces.reduce((sum, entry) => sum + entry.size_bytes, 0) === manifest.total_size_bytes ? undefined : 'sizes do not add up';
}

// A piece of one leaf has that leaf's CID; of a larger one only its bytes tell whether the root is right.
function isNamedRight({ cid, size_bytes, blake3_hash }: ManifestPiece): boolean {
  const named = parseShardCid(cid);
  if (size_bytes > LEAF_BYTES) return named?.kind === 'node';
  return named?.kind === 'leaf' && Buffer.from(named.hash).toString('hex') === blake3_hash;
}

/** Checks what came from a file or a peer. Throws SHARD_BAD_MANIFEST. */
export function parseManifest(value: unknown, name = 'the manifest'): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  throw shardErrors.badManifest({ name, problem: firstIssue(result.error) });
}

export const encodeManifestJson = (manifest: Manifest): Uint8Array => Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);

/** DAG-CBOR with real CID links, so that IPLD tools can walk from the manifest to its shards. */
export function encodeManifestCbor(manifest: Manifest): Uint8Array {
  const link = <P extends ManifestPiece>(entry: P): object => ({ ...entry, cid: CID.parse(entry.cid) });
  return dagCbor.encode({ ...manifest, shards: manifest.shards.map(link), vocabulary: link(manifest.vocabulary) });
}

export function cidOfManifest(manifest: Manifest): ManifestCid {
  const hasher = blake3();
  hasher.update(encodeManifestCbor(manifest));
  return manifestCid(hasher.hex());
}

/** JSON or DAG-CBOR, told apart by the first byte. Throws SHARD_BAD_MANIFEST. */
export function decodeManifest(bytes: Uint8Array, name = 'the manifest'): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw shardErrors.badManifest({ name, problem: `more than ${MAX_MANIFEST_BYTES} bytes` });
  return parseManifest(bytes[0] === 0x7b ? fromJson(bytes, name) : fromCbor(bytes, name), name);
}

function fromJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw shardErrors.badManifest({ name, problem: 'not JSON' }, error);
  }
}

function fromCbor(bytes: Uint8Array, name: string): unknown {
  const unlink = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object' || !('cid' in value)) return value;
    return { ...value, cid: String(CID.asCID(value.cid) ?? '') };
  };
  try {
    const value = dagCbor.decode<{ shards?: unknown; vocabulary?: unknown }>(bytes);
    return { ...value, shards: Array.isArray(value.shards) ? value.shards.map(unlink) : undefined, vocabulary: unlink(value.vocabulary) };
  } catch (error) {
    throw shardErrors.badManifest({ name, problem: 'not DAG-CBOR' }, error);
  }
}

/** Reads and checks a manifest file. Throws SHARD_MISSING, SHARD_BAD_MANIFEST. */
export async function openManifest(path: string): Promise<Manifest> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw shardErrors.missing({ path });
  if (found.size > MAX_MANIFEST_BYTES) throw shardErrors.badManifest({ name: path, problem: `more than ${MAX_MANIFEST_BYTES} bytes` });
  return decodeManifest(await readFile(path), path);
}

/** The whole shards that make up a range. Throws SHARD_RANGE_NOT_WHOLE. */
export function shardsForRange(manifest: Manifest, range: LayerRange): ManifestShard[] {
  const shards = manifest.shards.filter(({ layer_range: [first, last] }) => first >= range.first && last <= range.last);
  const whole = shards[0]?.layer_range[0] === range.first && shards.at(-1)?.layer_range[1] === range.last;
  if (!whole) throw shardErrors.rangeNotWhole({ ...range, starts: manifest.shards.map((shard) => shard.layer_range[0]).join(', ') });
  return shards;
}
