import { silentLogger, systemClock, type Logger, type SpawnChild } from '../base/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { BLOCK_LIMITS, BLOCK_PROTOCOL, BlockServer } from '../store/index.ts';
import type { HostConfig } from './config.ts';
import { identityPath, zoneSettings } from './mesh-zone.ts';
import type { AppPaths } from './paths.ts';
import { ProviderService, type ProviderServiceInit } from './provider-service.ts';
import { KeptTransfer } from './kept-transfer.ts';
import type { Transfer } from './transfer.ts';

export interface ShareOptions extends Pick<ProviderServiceInit, 'tell' | 'times'> {
  readonly config: HostConfig;
  readonly paths: AppPaths;
  /** Of the node that peers know, started. */
  readonly mesh: Mesh;
  readonly logger?: Logger;
  readonly spawn?: SpawnChild | undefined;
}

export interface Sharing {
  /** The one that runs; undefined where the configuration says that nothing is given. */
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
  const isGiving = config.shareStore && onAnyPort(config.listen).length > 0;
  const giving = isGiving ? await startGiving({ ...options, logger, onRestart: () => void providers.tellAgain() }) : undefined;
  const providers: ProviderService = new ProviderService({
    home: config.home, mesh, logger, transferAddresses: giving === undefined ? undefined : () => giving.transfer.current.addresses,
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
  return { get transfer() { return giving?.transfer.current; }, providers, stop };
}

interface Giving {
  readonly transfer: KeptTransfer;
  stop(): Promise<void>;
}

async function startGiving({ config, paths, mesh, spawn, logger, onRestart }: ShareOptions & { readonly logger: Logger; readonly onRestart: () => void }): Promise<Giving> {
  const options = { ...transferOptions(config, paths), identityPath: identityPath(config.home), listen: onAnyPort(config.listen), spawn };
  const transfer = await KeptTransfer.start({ options, logger, onRestart });
  const signpost = new BlockServer({ shelf: { find: () => Promise.resolve(undefined) }, clock: systemClock, agent: 'omninode', transfer: () => transfer.current.addresses });
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

export const transferOptions = (config: HostConfig, { transferProcess }: AppPaths) => {
  const { logLevel, storeQuotaBytes, uploadBytesPerSecond, bitswap } = config;
  return { logLevel, storeQuotaBytes, uploadBytesPerSecond, bitswap, ...zoneSettings(config), processPath: transferProcess };
};

/** The same interfaces as the node's, on ports of its own; a place at a relay is no interface. */
export const onAnyPort = (listen: readonly string[]): readonly string[] => listen.filter((address) => !/\/p2p-circuit|^\/webrtc/.test(address)).map((address) => address.replace(/\/(tcp|udp)\/\d+/, '/$1/0'));
