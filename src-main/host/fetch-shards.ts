import type { ShardCid } from '../base/index.ts';
import { providerErrors } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import type { FinderInit, FoundProvider } from './find-providers.ts';
import { withStore } from './local-store.ts';
import { ModelSources } from './model-sources.ts';
import type { AppPaths } from './paths.ts';
import { transferOptions } from './share-store.ts';
import type { TransferEvent, TransferReport } from './transfer-messages.ts';
import type { TransferShard } from './transfer-node.ts';
import { Transfer } from './transfer.ts';

export interface FetchOptions {
  readonly paths: AppPaths;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: TransferEvent) => void;
  /** Somebody is said to have some of it. */
  readonly onFound?: (found: FoundProvider) => void;
  /** How others are found; by all ways when absent. */
  readonly ways?: FinderInit['ways'];
}

/** What a fetch works with while it runs. */
export interface Fetching {
  readonly config: HostConfig;
  readonly transfer: Transfer;
  readonly sources: ModelSources;
}

/** Starts a process that moves shards, and the search for who has them; `peers` are members of the mesh, besides those of the configuration. */
export async function whileFetching<T>(config: HostConfig, { peers, paths, ways, onFound }: Pick<FetchOptions, 'paths' | 'ways' | 'onFound'> & { readonly peers: readonly string[] }, act: (fetching: Fetching) => Promise<T>): Promise<T> {
  // Passing: an app with the same home may be running under its own identity.
  const starting = Transfer.start({ ...transferOptions(config, paths), listen: [] });
  starting.catch(() => undefined);
  try {
    const sources = await ModelSources.open(config, { members: [...peers, ...config.peers], ways, onFound });
    return await starting.then((transfer) => act({ config, transfer, sources })).finally(() => sources.close());
  } finally {
    await starting.then((transfer) => transfer.stop(), () => undefined);
  }
}

export interface ShardsRequest {
  readonly shards: readonly TransferShard[];
  /** Of the manifest they are of, where it is known: most providers tell of that. */
  readonly manifestCid?: string;
  readonly urls?: readonly string[];
  readonly downloadBytesPerSecond?: number | undefined;
}

/** Fetches shards into the store. Throws PROVIDERS_NONE_KNOWN, EXCHANGE_*, SPACE_*. */
export async function fetchShards({ config, transfer, sources }: Fetching, request: ShardsRequest, { signal, onEvent }: Pick<FetchOptions, 'signal' | 'onEvent'>): Promise<TransferReport> {
  const { shards, manifestCid, urls = [], downloadBytesPerSecond } = request;
  const cids: string[] = [...(manifestCid === undefined ? [] : [manifestCid]), ...shards.map(({ cid }) => cid)];
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal]);
  // What is here already needs nobody; it is still checked.
  const more = await areHere(config, shards.map(({ cid }) => cid)) ? undefined : sources.routesTo(cids, within);
  if (more !== undefined && urls.length === 0) void more.isAnyFound.then((isAny) => { if (!isAny) over.abort(providerErrors.noneKnown({ cid: cids[0] ?? '' })); });
  return transfer.fetch({ shards, peers: sources.known, more: more?.routes, urls, downloadBytesPerSecond, signal: within, onEvent }).finally(() => over.abort());
}

const areHere = (config: HostConfig, cids: readonly ShardCid[]): Promise<boolean> =>
  withStore(config, (store) => cids.every((cid) => store.catalog.shards.files(cid).some((file) => file.present === undefined)));
