import { useConnections, useConnectors, type Connector } from 'wagmi';
import { HOST_CONNECTOR } from '../host/wallet-connector.ts';
import type { OutsideWallet } from './use-outside.ts';

const WINDOW_WALLET = 'injected';

/** Wallets that announced themselves (EIP-6963), else the one that put itself into the window. */
export function useBrowserWallets(): readonly Connector[] {
  const others = useConnectors().filter(({ id }) => id !== HOST_CONNECTOR);
  const announced = others.filter(({ id }) => id !== WINDOW_WALLET);
  return announced.length > 0 || !('ethereum' in window) ? announced : others;
}

/** The one that is connected. */
export function useConnectedWallet(): OutsideWallet | undefined {
  const connection = useConnections().find(({ connector }) => connector.id !== HOST_CONNECTOR);
  return connection === undefined ? undefined : { connector: connection.connector, account: connection.accounts[0], chainId: connection.chainId };
}
