import { asShardCid, isCoded } from '../base/index.ts';
import { cidOfManifest, decodeManifest, exchangeErrors, providerErrors, type Manifest } from '../store/index.ts';
import type { ModelSources } from './model-sources.ts';
import { PeerRoutes } from './peer-routes.ts';
import type { Transfer } from './transfer.ts';

/** Found peers that are asked, however many there are. */
const MAX_ATTEMPTS = 64;

export interface FetchManifestOptions {
  readonly transfer: Transfer;
  readonly sources: ModelSources;
  readonly signal: AbortSignal;
}

/** A manifest from whoever gives it first: peers are asked as they are found. Throws PROVIDERS_NONE_KNOWN, EXCHANGE_NOT_FOUND, SHARD_BAD_MANIFEST, or why the last peer could not be asked. */
export async function fetchManifest(manifestCid: string, { transfer, sources, signal }: FetchManifestOptions): Promise<Manifest> {
  const bytes = await firstToGive(manifestCid, { transfer, sources, signal });
  const manifest = decodeManifest(bytes, manifestCid);
  if (cidOfManifest(manifest) !== manifestCid) throw exchangeErrors.badCid({ cid: manifestCid });
  return manifest;
}

async function firstToGive(cid: string, { transfer, sources, signal }: FetchManifestOptions): Promise<Uint8Array> {
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal]);
  const given = Promise.withResolvers<Uint8Array>();
  const attempts: Promise<void>[] = [];
  let failure: unknown;
  const ask = (addresses: readonly string[]): void => void attempts.push(transfer.block(asShardCid(cid), [...addresses], within).then(given.resolve, (error: unknown) => {
    if (!isHarmless(error)) failure = error;
  }));
  const all = async (): Promise<undefined> => {
    new PeerRoutes(ask, MAX_ATTEMPTS).add(sources.known);
    for await (const addresses of sources.routesTo([cid], within).routes) if (attempts.length < MAX_ATTEMPTS) ask(addresses);
    await Promise.all(attempts);
  };
  try {
    const bytes = await Promise.race([given.promise, all()]);
    if (bytes !== undefined) return bytes;
    signal.throwIfAborted();
    if (attempts.length === 0) throw providerErrors.noneKnown({ cid });
    throw failure ?? exchangeErrors.notFound({ cid });
  } finally {
    over.abort();
  }
}

/** A member of the mesh need not have it, or give anything. */
const isHarmless = (error: unknown): boolean => isCoded(error, 'EXCHANGE_NOT_FOUND') || isCoded(error, 'MESH_PROTOCOL_UNSUPPORTED');
