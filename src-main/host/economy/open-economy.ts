import { systemClock, toCoded, type SecretKeeping } from '../../base/index.ts';
import type { EconomyService, OwnerService } from '../../api/index.ts';
import type { Economy } from '../../../src-preload/bridge/index.ts';
import type { HostConfig } from '../config.ts';
import { hostErrors } from '../errors.ts';
import type { Node } from '../node.ts';
import { nodeSignerOf, type PayHost } from '../paid/index.ts';
import type { AppPaths } from '../paths.ts';
import { chainConfigOf } from './chain-config.ts';
import { EconomyHost, type EconomyHostInit, type OpenWindow } from './economy-host.ts';
import { ownerService } from './owner-service.ts';
import { PayLink } from './pay-link.ts';

export interface OpenEconomy {
  readonly node: Pick<Node, 'mesh' | 'logger'>;
  readonly config: HostConfig;
  readonly paths: AppPaths;
  readonly keeping: SecretKeeping | undefined;
  readonly changed: (economy: Economy) => void;
  readonly openWindow?: OpenWindow | undefined;
  readonly options?: EconomyHostInit['options'] | undefined;
  readonly pay: PayHost;
}

/** With the pay that goes by it. */
export interface OpenedEconomy {
  readonly parts: { readonly economy: EconomyService; readonly owner?: OwnerService };
  /** The node runs. */
  start(): Promise<void>;
  /** The settings are others: pay may be wanted now. */
  look(): void;
  /** Before the node stops. */
  stop(): Promise<void>;
}

/** Of a configuration with a chain. A wallet that cannot be read costs the wallet, not the host: the page says why. */
export async function openEconomy({ node: { mesh, logger }, config, paths, keeping, changed, openWindow, options, pay }: OpenEconomy): Promise<OpenedEconomy> {
  const chain = chainConfigOf(config);
  if (chain === undefined) throw hostErrors.noChain({});
  try {
    const host = await EconomyHost.open({
      config: chain, home: config.home, contractsFolder: paths.contracts, logger, node: nodeSignerOf(mesh.signer), changed, pay,
      ...(keeping === undefined ? {} : { keeping }), ...(openWindow === undefined ? {} : { openWindow }), ...(options === undefined ? {} : { options }),
    });
    const link = new PayLink({ economy: host, pay, logger });
    return {
      parts: { economy: host, owner: ownerService(host) },
      start: async () => {
        await host.start();
        link.start();
      },
      look: () => link.look(),
      stop: async () => {
        await link.stop();
        await host.stop();
      },
    };
  } catch (error) {
    logger.warn({ code: toCoded(error).code }, 'the wallet cannot be used');
    return { parts: { economy: unusable(error) }, start: () => Promise.resolve(), look: () => undefined, stop: () => Promise.resolve() };
  }
}

function unusable(error: unknown): EconomyService {
  const now: Economy = { link: { status: 'down', error: toCoded(error).toWire(), sinceMs: systemClock.now() }, wallet: { status: 'none' }, waiting: 0, revision: 0 };
  const refuse = (): Promise<never> => Promise.reject(toCoded(error));
  return {
    now: () => now, get: () => now, ledger: refuse, earnings: refuse, slashes: refuse, transactions: () => ({ transactions: [] }), plan: refuse, bind: refuse, faucet: refuse, request: refuse, show: refuse, lock: () => undefined,
  };
}
