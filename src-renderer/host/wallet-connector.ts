import { createConnector, createConfig, injected, type Config } from 'wagmi';
import { custom, defineChain, getAddress, ProviderRpcError, type Address, type Chain } from 'viem';
import type { ChainNetworkInfo, WalletState } from '../../src-preload/bridge/index.ts';
import type { HostClient } from './host-client.ts';

/** EIP-1193, as much of it as wagmi uses. */
export interface HostProvider {
  request(asked: { readonly method: string; readonly params?: unknown }): Promise<unknown>;
}

export const HOST_CONNECTOR = 'omninode';
/** EIP-1193: the wallet gives no account now. */
const UNAUTHORIZED = 4100;

const listOf = (params: unknown): unknown[] => (params === undefined ? [] : Array.isArray(params) ? params : [params]);

/** The host's wallet as an EIP-1193 provider. Rejects with viem's ProviderRpcError for what chain or owner refused, with HostError where the host could not be asked. @see https://eips.ethereum.org/EIPS/eip-1193 */
export const hostProvider = (client: Pick<HostClient, 'call'>): HostProvider => ({
  request: async ({ method, params }) => {
    // As JSON has it: what is undefined is not there, over a socket and over Electron's IPC alike.
    const answer = await client.call('wallet.request', { method, params: JSON.parse(JSON.stringify(listOf(params))) as unknown[] });
    if (!('error' in answer)) return answer.result;
    const { code, message, data } = answer.error;
    throw new ProviderRpcError(new Error(message), { code: code, shortMessage: message, data: data as undefined });
  },
});

type Emitter = Parameters<Parameters<typeof createConnector>[0]>[0]['emitter'];
interface Held {
  readonly accounts: readonly Address[];
}

const held = ({ accounts }: Held): readonly Address[] => {
  if (accounts.length > 0) return accounts;
  throw new ProviderRpcError(new Error('the wallet of this node is locked, or there is none'), { code: UNAUTHORIZED, shortMessage: 'the wallet of this node is locked, or there is none' });
};

/** The accounts are those that the host's state tells (`followWallet`): a locked wallet is a disconnected one. */
const hostConnector = (client: Pick<HostClient, 'call'>, chain: Chain) => createConnector<HostProvider>(({ emitter }) => {
  const provider = hostProvider(client);
  let now: Held = { accounts: [] };
  return {
    id: HOST_CONNECTOR, name: 'OmniNode', type: HOST_CONNECTOR,
    connect: async <withCapabilities extends boolean = false>({ withCapabilities }: { readonly withCapabilities?: withCapabilities | boolean | undefined } = {}) => {
      const accounts = held(now);
      const told = withCapabilities === true ? accounts.map((address) => ({ address, capabilities: {} })) : accounts;
      return { accounts: told as never, chainId: chain.id };
    },
    disconnect: async () => undefined,
    getAccounts: async () => held(now),
    getChainId: async () => chain.id,
    getProvider: async () => provider,
    isAuthorized: async () => now.accounts.length > 0,
    onAccountsChanged: (told) => {
      const before = now;
      now = { accounts: told.map((address) => getAddress(address)) };
      tell(emitter, { before, after: now, chainId: chain.id });
    },
    // The host has one chain; another one is another connector.
    onChainChanged: () => undefined,
    onDisconnect: () => undefined,
  };
});

function tell(emitter: Emitter, { before, after: { accounts }, chainId }: { readonly before: Held; readonly after: Held; readonly chainId: number }): void {
  if (accounts.join() === before.accounts.join()) return;
  if (accounts.length === 0) emitter.emit('disconnect');
  else if (before.accounts.length === 0) emitter.emit('connect', { accounts, chainId });
  else emitter.emit('change', { accounts });
}

export const chainOf = ({ chainId, name }: Pick<ChainNetworkInfo, 'chainId' | 'name'>): Chain => defineChain({
  id: chainId, name, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  // The host has the addresses, and asks the chain itself.
  rpcUrls: { default: { http: [] } },
});

/** This page was opened on the host's own machine. */
const isHere = (): boolean => typeof location === 'undefined' || /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);

/** Whether a wallet of the browser can have to do with this chain: with the embedded one only where its port is open, on that machine. */
export const isOpenToBrowsers = ({ kind, publicRpc }: Pick<ChainNetworkInfo, 'kind' | 'publicRpc'>): boolean => kind === 'configured' || (publicRpc !== undefined && isHere());

/** Wagmi over the host: nothing is kept in the browser, and no wallet of the browser is looked for on a chain that it cannot reach. */
export function walletConfig(client: Pick<HostClient, 'call'>, network: Pick<ChainNetworkInfo, 'chainId' | 'name' | 'kind' | 'publicRpc'>): Config {
  const chain = chainOf(network);
  const isOpen = isOpenToBrowsers(network);
  return createConfig({
    chains: [chain], connectors: [hostConnector(client, chain), ...(isOpen ? [injected()] : [])], transports: { [chain.id]: custom(hostProvider(client), { retryCount: 0 }) },
    multiInjectedProviderDiscovery: isOpen, storage: null, syncConnectedChain: false,
  });
}

/** Keeps the connector where the host's state is; wagmi hears of it as of any wallet's event. */
export function followWallet(config: Config, wallet: WalletState): void {
  const connector = config.connectors.find(({ id }) => id === HOST_CONNECTOR);
  connector?.onAccountsChanged(wallet.status === 'ready' ? [wallet.address] : []);
}
