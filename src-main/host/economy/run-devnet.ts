import { createLogger } from '../../base/index.ts';
import { SumChain, type ChainNetwork } from '../../chain/index.ts';
import type { Settings } from '../config.ts';
import { appPaths } from '../paths.ts';

export interface RunningDevnet {
  /** JSON-RPC, on the loopback. */
  readonly url: string;
  readonly network: ChainNetwork;
}

/** The embedded chain of a home, alone, until the signal. Throws CHAIN_*. */
export async function runDevnet({ config }: Settings, signal: AbortSignal, onReady: (running: RunningDevnet) => void): Promise<void> {
  const chain = new SumChain({ config: { kind: 'embedded', rpcPort: 0 }, home: config.home, contractsFolder: appPaths().contracts, logger: createLogger(config.logLevel) });
  await chain.start();
  try {
    onReady({ url: chain.rpcUrl ?? '', network: chain.network });
    await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }); });
  } finally {
    await chain.stop();
  }
}
