import { z } from 'zod';
import type { Hex } from '../types.ts';
import type { WalletChain } from './ports.ts';

export interface TakenNonce {
  readonly address: Hex;
  readonly nonce: number;
  /** Of all that was signed with it. */
  readonly hashes: readonly Hex[];
}

/** What the wallet asks a chain before it signs a call again, so that nothing is sent twice, and no more is paid than was shown. */
export interface ChainWitness {
  /** The nonce is used up, and by none of these: the call can be signed with another. */
  isLost(taken: TakenNonce): Promise<boolean>;
  /** Wei that one of these took out of the account in fees; undefined: none is in a block. */
  feePaid(hashes: readonly Hex[]): Promise<bigint | undefined>;
}

const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/).transform(BigInt);
const receiptSchema = z.object({ gasUsed: quantity, effectiveGasPrice: quantity });

/** By what the chain's node says. */
export const chainWitness = (request: WalletChain['request']): ChainWitness => ({
  isLost: async ({ address, nonce, hashes }) => {
    const used = quantity.parse(await request('eth_getTransactionCount', [address, 'latest']));
    return used > BigInt(nonce) && (await receipts(request, hashes)).length === 0;
  },
  feePaid: async (hashes) => {
    const [receipt] = await receipts(request, hashes);
    if (receipt === undefined) return undefined;
    const { gasUsed, effectiveGasPrice } = receiptSchema.parse(receipt);
    return gasUsed * effectiveGasPrice;
  },
});

const receipts = async (request: WalletChain['request'], hashes: readonly Hex[]): Promise<readonly unknown[]> =>
  (await Promise.all(hashes.map((hash) => request('eth_getTransactionReceipt', [hash])))).filter((receipt) => receipt !== null && receipt !== undefined);
