import { voucherTypedData, type Batch, type Hex, type TransactionSigner } from '../../chain/index.ts';
import type { PayBatch, PayWallet, VoucherRequest } from './ports.ts';

/** The outbox, as far as pay goes through it. */
export interface BatchBox {
  add(batch: Batch, signer: TransactionSigner): unknown;
  settled(id: string, signal?: AbortSignal): Promise<unknown>;
}

export interface OutboxWalletInit {
  readonly outbox: BatchBox;
  readonly signer: TransactionSigner;
  /** EIP-712, within the owner's limits. */
  readonly signTyped: (data: ReturnType<typeof voucherTypedData>, request: VoucherRequest) => Promise<Hex>;
  /** Wei, for all calls of a batch. */
  readonly maxFeeWei: bigint;
}

/** An account whose transactions go through the outbox. */
export const outboxWallet = ({ outbox, signer, signTyped, maxFeeWei }: OutboxWalletInit): PayWallet => ({
  address: signer.address,
  async send({ id, what, calls }: PayBatch, signal) {
    outbox.add({ id, what, calls, from: signer.address, maxFeeWei }, signer);
    await outbox.settled(id, signal);
  },
  signVoucher: (request) => signTyped(voucherTypedData(request, request), request),
});
