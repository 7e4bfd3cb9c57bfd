import { join } from 'node:path';
import { silentLogger, systemClock, type Logger, type SpawnChild } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import type { AppPaths } from './paths.ts';
import { ProviderService, type ProviderServiceInit } from './provider-service.ts';
import { Transfer } from './transfer.ts';

export interface ShareOptions extends Pick<ProviderServiceInit, 'tell' | 'times'> {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  /** Of the node that peers know, started. */
  readonly mesh: Mesh;
  readonly logger?: Logger;
  readonly spawn?: SpawnChild | undefined;
}

export interface Sharing {
  /** Undefined where the configuration says that nothing is given. */
  readonly transfer: Transfer | undefined;
  readonly providers: ProviderService;
  stop(): Promise<void>;
}

/**
 * Gives what the store holds to whoever asks, and says so: starts the process that moves shards, lets the node tell peers
 * where it is, and announces what is there. Both have the identity of the home folder, so that peers know the process for
 * this node. With `shareStore` off, or a node that listens nowhere, it only notes what others announce.
 */
export async function shareStore(options: ShareOptions): Promise<Sharing> {
  const { config, mesh, logger = silentLogger, tell, times } = options;
  const isGiving = config.shareStore && config.listen.length > 0;
  const giving = isGiving ? await startGiving(options) : undefined;
  const providers = new ProviderService({
    home: config.home, mesh, logger, transferAddresses: giving === undefined ? undefined : () => giving.transfer.addresses,
    ...(tell === undefined ? {} : { tell }), ...(times === undefined ? {} : { times }),
  });
  const stop = async (): Promise<void> => {
    await providers.stop();
    await giving?.stop();
  };
  try {
    await providers.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { transfer: giving?.transfer, providers, stop };
}

async function startGiving({ config, paths, mesh, spawn }: ShareOptions): Promise<{ readonly transfer: Transfer; stop(): Promise<void> }> {
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
