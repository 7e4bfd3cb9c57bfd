import type { Call, Hex } from '../../chain/index.ts';

/** Calls that belong together. The same id again changes nothing, also after a restart. */
export interface PayBatch {
  readonly id: string;
  readonly what: string;
  readonly calls: readonly Call[];
  /** It is sent again by itself where the owner has much to decide: what somebody waits for goes first. */
  readonly isPatient?: boolean;
}

/** What a voucher says (EIP-712, domain `OmniNode Settlement`). */
export interface VoucherRequest {
  readonly chainId: number;
  readonly settlement: Hex;
  readonly sessionId: Hex;
  readonly root: Hex;
  /** What all nodes get by it, 1e-18 SUM: for the wallet's limits. */
  readonly amount: bigint;
}

/** The owner's account, as paid sessions need it; consent and limits lie behind it. */
export interface PayWallet {
  readonly address: Hex;
  /** Resolves when all calls are in blocks that last. Rejects with CHAIN_REVERTED where one failed for good, otherwise with what may pass: asking again goes on with it. Aborted, it is neither asked nor waited for any more. */
  send(batch: PayBatch, signal?: AbortSignal): Promise<void>;
  /** 65 bytes. Rejects with WALLET_*. */
  signVoucher(request: VoucherRequest): Promise<Hex>;
}
