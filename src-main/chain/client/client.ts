import { createPublicClient, custom, defineChain, type PublicClient } from 'viem';
import { isCoded, type CodedError } from '../../base/index.ts';
import type { ChainNetwork } from '../types.ts';
import type { RpcCall } from './json-rpc.ts';

/** Reads of the chain; what is asked for goes through `request`, which fails over and is bounded. */
export function createClient(network: Pick<ChainNetwork, 'chainId' | 'name'>, request: (call: RpcCall) => Promise<unknown>): PublicClient {
  const chain = defineChain({ id: network.chainId, name: network.name, nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 }, rpcUrls: { default: { http: [] } } });
  return createPublicClient({ chain, transport: custom({ request: ({ method, params }) => request({ method, params }) }, { retryCount: 0 }), cacheTime: 0 });
}

/** The coded error behind one of viem's, if there is one: that the chain is down, or another. */
export function codedBehind(error: unknown): CodedError | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (isCoded(at)) return at;
  return undefined;
}
