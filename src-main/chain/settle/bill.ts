import { concatHex, encodePacked, hexToBytes, keccak256, toHex } from 'viem';
import type { Hex } from '../types.ts';

/** What a node asks for its part of a paid session (contracts/src/lib/Bills.sol). Words are 32 bytes. */
export interface Bill {
  readonly sessionId: Hex;
  /** Hash of the pipeline's session. */
  readonly workId: Hex;
  readonly nodeId: Hex;
  readonly firstLayer: number;
  /** Included. */
  readonly lastLayer: number;
  readonly tokens: bigint;
  /** 1e-18 SUM. */
  readonly amount: bigint;
  readonly receiptsRoot: Hex;
}

/** Which settlement a bill, a voucher or a session is for. */
export interface SettlementPlace {
  readonly chainId: number;
  readonly settlement: Hex;
}

export const billAbi = {
  type: 'tuple',
  components: [
    { name: 'sessionId', type: 'bytes32' }, { name: 'workId', type: 'bytes32' }, { name: 'nodeId', type: 'bytes32' }, { name: 'firstLayer', type: 'uint32' }, { name: 'lastLayer', type: 'uint32' },
    { name: 'tokens', type: 'uint64' }, { name: 'amount', type: 'uint256' }, { name: 'receiptsRoot', type: 'bytes32' },
  ],
} as const;

/** The 244 bytes that the node's identity signs. */
export const billMessage = (bill: Bill, { chainId, settlement }: SettlementPlace): Uint8Array => hexToBytes(concatHex([
  toHex('omninode/bill/1\0'),
  encodePacked(['uint256', 'address', 'bytes32', 'bytes32', 'bytes32'], [BigInt(chainId), settlement, bill.sessionId, bill.workId, bill.nodeId]),
  encodePacked(['uint32', 'uint32', 'uint64', 'uint256', 'bytes32'], [bill.firstLayer, bill.lastLayer, bill.tokens, bill.amount, bill.receiptsRoot]),
]));

export const billHash = (bill: Bill, place: SettlementPlace): Hex => keccak256(billMessage(bill, place));

/** The leaf of a bill in a voucher's tree, of the bill's hash. */
export const leafOf = (hash: Hex): Hex => keccak256(hash);

/** Layers x tokens. */
export const billWork = ({ firstLayer, lastLayer, tokens }: Bill): bigint => (lastLayer < firstLayer ? 0n : BigInt(lastLayer - firstLayer + 1) * tokens);
