import { bytesToHex } from 'viem';
import { bindingMessage } from '../../settle/index.ts';
import type { ChainNetwork, Hex } from '../../types.ts';
import type { BindingSubject } from '../types.ts';

export interface BindingInit {
  readonly network: ChainNetwork;
  readonly nodeId: Hex;
  /** The node as its owner knows it: its peer id. */
  readonly peer: string;
  readonly account: Hex;
  /** `NodeRegistry.nonceOf` the node. */
  readonly nonce: bigint;
}

/** That an account gets the node: what its identity would sign, and for whom. Always a warning: no key of this host takes it back. */
export function describeBinding({ network, nodeId, peer, account, nonce }: BindingInit): BindingSubject {
  const { kind, chainId, name, contracts: { NodeRegistry: registry } } = network;
  return {
    kind: 'binding', chain: { kind, chainId, name }, from: account, nodeId, peer, registry, nonce,
    message: bytesToHex(bindingMessage({ chainId, registry, owner: account, nonce })), spends: 0n, warnings: ['gives-node'],
  };
}
