import { CID } from 'multiformats/cid';
import { asShardCid, type ShardCid } from '../../../base/index.ts';
import { BLAKE3, DAG_PB, HASH_BYTES, parseCid, RAW } from '../../dag/index.ts';
import { CID_BYTES } from './constants.ts';

/** Multicodec code of DAG-CBOR: manifests, which are one block each. */
const DAG_CBOR = 0x71;
const CODECS: ReadonlySet<number> = new Set([RAW, DAG_PB, DAG_CBOR]);

/** The 36 bytes of a CID that this protocol carries; undefined for others. */
export function cidBytes(text: string): Uint8Array | undefined {
  try {
    const cid = parseCid(text);
    return cid !== undefined && isCarried(cid) ? cid.bytes : undefined;
  } catch {
    return undefined;
  }
}

export function cidAt(bytes: Uint8Array, at: number): ShardCid | undefined {
  const part = bytes.subarray(at, at + CID_BYTES);
  const [version, codec = 0, hash, length] = part;
  if (part.length !== CID_BYTES || version !== 1 || !CODECS.has(codec) || hash !== BLAKE3 || length !== HASH_BYTES) return undefined;
  return asShardCid(CID.decode(part).toString());
}

/** The digest of a CID of one block: a leaf or a manifest; undefined for a tree's root. */
export function blockDigest(text: string): Uint8Array | undefined {
  const bytes = cidBytes(text);
  return bytes === undefined || bytes[1] === DAG_PB ? undefined : bytes.subarray(CID_BYTES - HASH_BYTES);
}

const isCarried = (cid: CID): boolean => cid.version === 1 && CODECS.has(cid.code) && cid.multihash.code === BLAKE3 && cid.multihash.digest.length === HASH_BYTES;
