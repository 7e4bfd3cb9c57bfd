import { asShardCid } from '../base/index.ts';
import type { DamagedFile, StoredFile } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { fetchShards, whileFetching, type FetchOptions } from './fetch-shards.ts';
import { withStore } from './local-store.ts';
import type { TransferReport } from './transfer-messages.ts';

export interface RepairRequest {
  readonly damaged: readonly DamagedFile[];
  /** Addresses of members of the mesh, besides those of the configuration. */
  readonly peers: readonly string[];
}

export interface Repair extends TransferReport {
  /** Files that are whole again. */
  readonly paths: readonly string[];
}

/**
 * Fetches the blocks that a scrub found damaged, and only those, into the files they are missing from. Files that lie outside the store are
 * their owner's: they stay as they are. Undefined when there is nothing to fetch. Throws PROVIDERS_NONE_KNOWN, EXCHANGE_*, SPACE_*.
 */
export async function repairStore(config: HostConfig, { damaged, peers }: RepairRequest, options: FetchOptions): Promise<Repair | undefined> {
  const files = await brokenFiles(config, damaged);
  if (files.length === 0) return undefined;
  const shards = files.map(({ cid, sizeBytes }) => ({ cid: asShardCid(cid), sizeBytes, fileName: `${cid}.gguf` }));
  const report = await whileFetching(config, { ...options, peers }, (fetching) => fetchShards(fetching, { shards }, options));
  return { ...report, paths: files.map(({ path }) => path) };
}

const brokenFiles = (config: HostConfig, damaged: readonly DamagedFile[]): Promise<StoredFile[]> => withStore(config, ({ catalog: { shards } }) =>
  damaged.flatMap(({ path }) => shards.file(path) ?? []).filter(({ isOwned, present }) => isOwned && present !== undefined));
