import { Blake3Hasher } from '@napi-rs/blake-hash';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { asManifestCid, type ManifestCid } from '../../base/index.ts';
import { BLAKE3 } from '../dag/index.ts';
import type { ByteSource } from '../gguf/source.ts';

/** Multicodec code of DAG-CBOR. */
const DAG_CBOR = 0x71;

export const COPY_BYTES = 8 * 1024 * 1024;

export interface Hasher {
  update(bytes: Uint8Array): unknown;
  /** 64 hex digits. */
  hex(): string;
}

export function blake3(): Hasher {
  const hasher = new Blake3Hasher();
  return { update: (bytes) => hasher.update(bytes), hex: () => hasher.digest('hex') };
}

/** CIDv1 of DAG-CBOR with this BLAKE3 hash (hex). */
export const manifestCid = (hash: string): ManifestCid => asManifestCid(CID.createV1(DAG_CBOR, Digest.create(BLAKE3, Buffer.from(hash, 'hex'))).toString());

export interface HashOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** BLAKE3 of a whole source, read in pieces of at most 8 MiB. */
export const hashSource = (source: ByteSource, options: HashOptions = {}): Promise<string> => hashSources([source], options);

/** BLAKE3 of all bytes of several sources, one after the other. */
export async function hashSources(sources: readonly ByteSource[], options: HashOptions = {}): Promise<string> {
  const hasher = blake3();
  const into = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, Math.max(1, ...sources.map(({ sizeBytes }) => sizeBytes))));
  const readOptions = options.signal === undefined ? { into } : { into, signal: options.signal };
  for (const source of sources) {
    for (let at = 0; at < source.sizeBytes; at += COPY_BYTES) {
      const bytes = await source.read(at, Math.min(COPY_BYTES, source.sizeBytes - at), readOptions);
      hasher.update(bytes);
      options.onBytes?.(bytes.length);
    }
  }
  return hasher.hex();
}
