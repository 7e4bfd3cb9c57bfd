import type { HostConfig } from './config.ts';
import { withStore } from './local-store.ts';

export interface ProviderEntry {
  readonly peerId: string;
  /** Unix times in milliseconds. */
  readonly seenAt: number;
  readonly expiresAt: number;
  /** Pieces of a model that it said to have; null when it did not say. */
  readonly pieces: number | null;
  readonly addresses: readonly string[];
  /** It sent wrong blocks of late, and is not sought out. */
  readonly isPassedOver: boolean;
}

export interface ProvidedItem {
  readonly cid: string;
  /** Of a model whose manifest is here. */
  readonly name: string | null;
  readonly totalPieces: number | null;
  readonly providers: readonly ProviderEntry[];
}

/** Who is known to have what: all of it, or one CID or model by name. Throws SPACE_AMBIGUOUS. */
export const listProviders = (config: HostConfig, which?: string): Promise<ProvidedItem[]> => withStore(config, (store) => {
  const models = new Map(store.catalog.models.list().map(({ cid, manifest }) => [cid as string, manifest]));
  const isName = which !== undefined && [...models.values()].some(({ model_name }) => model_name === which);
  const cid = isName ? store.model(which).cid : which;
  const found = Map.groupBy(cid === undefined ? store.catalog.providers.all() : store.catalog.providers.of(cid), (provider) => provider.cid);
  const cids = cid === undefined ? [...found.keys()] : [cid];
  return cids.map((one) => {
    const manifest = models.get(one);
    return {
      cid: one, name: manifest?.model_name ?? null, totalPieces: manifest === undefined ? null : manifest.shards.length + 1,
      providers: (found.get(one) ?? []).map(({ peer, seenAt, expiresAt, pieces, addresses }) => ({ peerId: peer, seenAt, expiresAt, pieces: pieces === undefined ? null : bitsIn(pieces), addresses, isPassedOver: store.catalog.liars.has(peer) })),
    };
  });
});

const bitsIn = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
