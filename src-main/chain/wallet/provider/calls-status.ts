import { numberToHex } from 'viem';
import { z } from 'zod';
import { networkOf } from '../batch-sender.ts';
import { walletErrors } from '../errors.ts';
import type { WalletChain, WalletOutbox } from '../ports.ts';

const hex = z.string().regex(/^0x[0-9a-fA-F]*$/).max(100_000);
const receiptSchema = z.object({
  status: hex, blockHash: hex, blockNumber: hex, gasUsed: hex, transactionHash: hex,
  logs: z.array(z.object({ address: hex, data: hex, topics: z.array(hex).max(4) })).max(1_000),
});

/** EIP-5792: 100 pending, 200 all in blocks, 400 nothing of it will be, 500 all failed, 600 some did. */
const STATUS = { pending: 100, confirmed: 200, failed: 400, reverted: 500, partial: 600 } as const;

/** Of a batch. Throws WALLET_UNKNOWN_ID. */
export async function callsStatus({ chain, outbox }: { readonly chain: WalletChain; readonly outbox: WalletOutbox }, id: string): Promise<unknown> {
  const progress = outbox.progress(id);
  if (progress === undefined) throw walletErrors.unknownId({});
  const found = await Promise.all(progress.hashes.map((hash) => chain.request('eth_getTransactionReceipt', [hash])));
  const receipts = found.map((receipt) => receiptSchema.safeParse(receipt)).flatMap(({ data }) => (data === undefined ? [] : [data]));
  return { version: '2.0.0', id, chainId: numberToHex(networkOf(chain).chainId), status: statusOf(progress.status, receipts), atomic: false, ...(receipts.length === 0 ? {} : { receipts }) };
}

function statusOf(status: 'queued' | 'sent' | 'confirmed' | 'failed', receipts: readonly z.infer<typeof receiptSchema>[]): number {
  if (status === 'confirmed') return STATUS.confirmed;
  if (status !== 'failed') return STATUS.pending;
  const good = receipts.filter((receipt) => BigInt(receipt.status) === 1n).length;
  return receipts.length === 0 ? STATUS.failed : good === 0 ? STATUS.reverted : STATUS.partial;
}
