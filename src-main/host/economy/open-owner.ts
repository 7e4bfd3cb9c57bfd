import { createLogger, isCoded } from '../../base/index.ts';
import { askOwner, ownerCalls, type OwnerCall, type OwnerService } from '../../api/index.ts';
import type { Settings } from '../config.ts';
import { hostErrors } from '../errors.ts';
import { ownSigner } from '../mesh-zone.ts';
import { nodeSignerOf } from '../paid/index.ts';
import { appPaths } from '../paths.ts';
import { chainConfigOf } from './chain-config.ts';
import { EconomyHost } from './economy-host.ts';
import { ownerService } from './owner-service.ts';

/** Chain and wallet of a home, for one command. */
export interface Owner extends OwnerService {
  close(): Promise<void>;
}

/** The host's that runs with this home, else opened here. Throws HOST_NO_CHAIN, WALLET_*, CHAIN_*. */
export async function openOwner(settings: Settings, signal: AbortSignal): Promise<Owner> {
  const { home } = settings.config;
  const isRunning = await askOwner(home, signal, { name: 'now', input: {} }).then(() => true, (error: unknown) => {
    // One that has no chain, or does not say, is of no help; where it holds the chain, opening that says so.
    if (isCoded(error, 'API_NOT_RUNNING') || isCoded(error, 'API_CONTROL_FAILED')) return false;
    throw error;
  });
  return isRunning ? { ...remote(home, signal), close: () => Promise.resolve() } : await local(settings);
}

function remote(home: string, signal: AbortSignal): OwnerService {
  const names = Object.keys(ownerCalls) as OwnerCall[];
  return Object.fromEntries(names.map((name) => [name, (input: never) => askOwner(home, signal, { name, input })])) as unknown as OwnerService;
}

async function local({ config }: Settings): Promise<Owner> {
  const chain = chainConfigOf(config);
  if (chain === undefined) throw hostErrors.noChain({});
  const host = await EconomyHost.open({ config: chain, home: config.home, contractsFolder: appPaths().contracts, logger: createLogger(config.logLevel), node: nodeSignerOf(await ownSigner(config.home)) });
  await host.start();
  return { ...ownerService(host), close: () => host.stop() };
}
