import type { CodedError } from '../base/index.ts';

/** 0x and hex digits. */
export type Hex = `0x${string}`;
export type ContractName = 'SumToken' | 'NodeRegistry' | 'StakingContract' | 'Settlement' | 'Committee' | 'VerifierContract' | 'RewardDistributor' | 'ModelRegistry';
export type ContractAddresses = Readonly<Record<ContractName, Hex>>;

export interface ChainNetwork {
  /** `embedded`: a test chain that this app runs; SUM is worth nothing there. */
  readonly kind: 'embedded' | 'configured';
  readonly chainId: number;
  readonly name: string;
  readonly contracts: ContractAddresses;
  /** Blocks on top of one until what stands in it is taken for lasting. */
  readonly confirmations: number;
}

export type ChainLink =
  | { readonly status: 'starting' }
  | { readonly status: 'ready'; readonly block: bigint; readonly blockTimeMs: number }
  | { readonly status: 'down' | 'wrong-network'; readonly error: CodedError; readonly sinceMs: number; readonly block?: bigint };

export interface Call {
  /** `approve`, `stake`, ... */
  readonly what: string;
  readonly to: Hex;
  readonly data: Hex;
  /** Wei of the chain's coin. */
  readonly value: bigint;
}

/** One decision of the owner: calls that are sent in order, the next when the one before is in a block and did not revert. */
export interface Batch {
  /** Chosen by whoever asks; adding the same again changes nothing. */
  readonly id: string;
  readonly what: string;
  readonly from: Hex;
  readonly calls: readonly Call[];
  /** Fees of all calls together at most, wei: resending at a higher fee stays below. */
  readonly maxFeeWei: bigint;
}

/** EIP-1559. */
export interface UnsignedTransaction {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly value: bigint;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** What of a wallet sending needs. Consent lies with the wallet: it signs what belongs to a batch that was consented to, and nothing else. */
export interface TransactionSigner {
  readonly address: Hex;
  /** The signed transaction, RLP (EIP-2718). Throws WALLET_LOCKED, WALLET_NOT_CONSENTED. */
  sign(batch: Batch, index: number, transaction: UnsignedTransaction): Promise<Hex>;
}

/** The node's libp2p identity as the contracts know it. */
export interface NodeSigner {
  /** The 32 bytes of its Ed25519 key. */
  readonly nodeId: Hex;
  /** RFC 8032, 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
