import { concatHex, encodePacked, hexToBytes, toHex } from 'viem';
import type { Hex } from '../types.ts';

/** What a node's identity signs so that an account stands for it (contracts/src/NodeRegistry.sol). `nonce`: `NodeRegistry.nonceOf` the node. */
export const bindingMessage = ({ chainId, registry, owner, nonce }: { readonly chainId: number; readonly registry: Hex; readonly owner: Hex; readonly nonce: bigint }): Uint8Array => hexToBytes(concatHex([
  toHex('omninode/stake-binding/1\0'),
  encodePacked(['uint256', 'address', 'address', 'uint256'], [BigInt(chainId), registry, owner, nonce]),
]));
