import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { asShardCid, type ShardCid } from '../../base/index.ts';
import { HASH_BYTES } from './shape.ts';

/** Multicodec codes: BLAKE3 multihash, raw bytes, dag-pb. */
export const BLAKE3 = 0x1e;
export const RAW = 0x55;
export const DAG_PB = 0x70;

/** CIDv1 of a leaf with this BLAKE3-256 digest. */
export const leafCid = (hash: Uint8Array): CID => CID.createV1(RAW, Digest.create(BLAKE3, hash));

/** CIDv1 of an inner node with this BLAKE3-256 digest. */
export const nodeCid = (hash: Uint8Array): CID => CID.createV1(DAG_PB, Digest.create(BLAKE3, hash));

export const shardCidOf = (cid: CID): ShardCid => asShardCid(cid.toString());

export interface ParsedCid {
  readonly kind: 'leaf' | 'node';
  readonly hash: Uint8Array;
}

/** Undefined for a CID in other than its usual spelling. Throws what CID.parse throws. */
export function parseCid(text: string): CID | undefined {
  // A parsed CID remembers how it was spelt, so that its own text says nothing.
  const cid = CID.decode(CID.parse(text).bytes);
  return cid.toString() === text ? cid : undefined;
}

/** What a CID of one of our trees says; undefined for anything else, also for one in other than its usual spelling. */
export function parseShardCid(text: string): ParsedCid | undefined {
  try {
    const cid = parseCid(text);
    return cid === undefined ? undefined : blockOf(cid);
  } catch {
    return undefined;
  }
}

/** Which block of a tree a CID names; undefined for other codecs and hashes. */
export function blockOf(cid: CID): ParsedCid | undefined {
  if (cid.version !== 1 || cid.multihash.code !== BLAKE3 || cid.multihash.digest.length !== HASH_BYTES) return undefined;
  if (cid.code !== RAW && cid.code !== DAG_PB) return undefined;
  return { kind: cid.code === RAW ? 'leaf' : 'node', hash: cid.multihash.digest };
}

