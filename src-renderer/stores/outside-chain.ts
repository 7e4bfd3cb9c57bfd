import { numberToHex } from 'viem';
import type { ChainNetworkInfo } from '../../src-preload/bridge/index.ts';
import type { HostProvider } from '../host/wallet-connector.ts';
import { causes, codeOf, OutsideError } from './outside-run.ts';

/** EIP-3326: that wallet does not know the chain. */
const UNKNOWN_CHAIN = 4902;
/** Some wallets tell the number further inside. */
const innerCode = (error: unknown): number | undefined => codeOf((error as { readonly data?: { readonly originalError?: unknown } } | undefined)?.data?.originalError);

/** Asks a wallet to go to the host's chain, and offers to add it (EIP-3085) where that may be told. Throws OutsideError, and what the wallet rejects with. */
export async function goToChain(provider: HostProvider, { chainId, name, publicRpc }: Pick<ChainNetworkInfo, 'chainId' | 'name' | 'publicRpc'>): Promise<void> {
  const id = numberToHex(chainId);
  try {
    await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: id }] });
  } catch (error) {
    if (!causes(error).some((one) => codeOf(one) === UNKNOWN_CHAIN || innerCode(one) === UNKNOWN_CHAIN)) throw error;
    if (publicRpc === undefined) throw new OutsideError('unknown-chain');
    await provider.request({ method: 'wallet_addEthereumChain', params: [{ chainId: id, chainName: name, rpcUrls: publicRpc, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } }] });
  }
}

/**
 * Two chains can have the same number (each embedded one has), and a call to an address without code succeeds and does nothing. Throws OutsideError where that
 * wallet's chain says that there is no contract; one that does not say is believed.
 */
export async function checkContract(provider: HostProvider, address: string): Promise<void> {
  const code = await provider.request({ method: 'eth_getCode', params: [address, 'latest'] }).catch(() => undefined);
  if (code === '0x') throw new OutsideError('other-contracts');
}
