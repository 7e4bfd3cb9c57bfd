import { join } from 'node:path';
import { systemClock, type SpawnChild } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import type { AppPaths } from './paths.ts';
import { Transfer } from './transfer.ts';

export interface ShareOptions {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  /** Of the node that peers know, started. */
  readonly mesh: Mesh;
  readonly spawn?: SpawnChild | undefined;
}

export interface Sharing {
  readonly transfer: Transfer;
  stop(): Promise<void>;
}

/**
 * Gives what the store holds to whoever asks: starts the process that moves shards, and lets the node tell peers where
 * it is. Both have the identity of the home folder, so that peers know the process for this node.
 */
export async function shareStore({ config, paths, mesh, spawn }: ShareOptions): Promise<Sharing> {
  const transfer = await Transfer.start({ ...transferOptions(config, paths), identityPath: join(config.home, 'identity.key'), listen: config.listen.map(withAnyPort), spawn });
  const signpost = new BlockServer({ shelf: { find: () => Promise.resolve(undefined) }, clock: systemClock, agent: 'omninode', transfer: () => transfer.addresses });
  const off = await mesh.handle(BLOCK_PROTOCOL, BLOCK_LIMITS, (stream) => signpost.accept(stream));
  return {
    transfer,
    stop: async () => {
      off();
      signpost.stop();
      await transfer.stop();
    },
  };
}

export const transferOptions = ({ home, logLevel, storeQuotaBytes, uploadBytesPerSecond, bitswap }: HostConfig, { transferProcess }: AppPaths) =>
  ({ home, logLevel, storeQuotaBytes, uploadBytesPerSecond, bitswap, processPath: transferProcess });

/** The same interfaces as the node's, on ports of its own. */
export const withAnyPort = (address: string): string => address.replace(/\/tcp\/\d+/, '/tcp/0').replace(/\/p2p\/.*$/, '');
