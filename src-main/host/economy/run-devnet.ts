import { createLogger } from '../../base/index.ts';
import { SumChain, type ChainConfig, type ChainNetwork, type Hex } from '../../chain/index.ts';
import type { Settings } from '../config.ts';
import { appPaths } from '../paths.ts';

export interface RunningDevnet {
  /** JSON-RPC, on the loopback. */
  readonly url: string;
  readonly network: ChainNetwork;
}

export interface DevnetOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Accounts that get what the faucet gives. */
  readonly fund: readonly Hex[];
}

/** As others name this chain in their config.json. */
export const configFor = ({ url, network: { chainId, contracts } }: RunningDevnet): ChainConfig => ({ kind: 'configured', chainId, name: 'Test chain of the devnet', rpcUrls: [url], contracts, confirmations: 0, fromBlock: 0 });

/** The embedded chain of a home, alone, until the signal. Throws CHAIN_*, ECONOMY_FAUCET_EMPTY. */
export async function runDevnet({ config }: Settings, { port, fund }: DevnetOptions, { signal, onReady }: { readonly signal: AbortSignal; readonly onReady: (running: RunningDevnet) => void }): Promise<void> {
  const chain = new SumChain({ config: { kind: 'embedded', rpcPort: port }, home: config.home, contractsFolder: appPaths().contracts, logger: createLogger(config.logLevel) });
  await chain.start();
  try {
    for (const account of fund) await chain.outbox.settled(chain.faucet(account).batch.id, signal);
    onReady({ url: chain.rpcUrl ?? '', network: chain.network });
    await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
  } finally {
    await chain.stop();
  }
}
