import { toHex } from 'viem';
import type { CodedError } from '../../base/index.ts';
import { decodeError } from '../decode.ts';
import { chainErrors } from '../errors.ts';
import type { Call, Hex } from '../types.ts';
import type { SenderChain } from './sender.ts';

/** Why a call reverted in that block: receipts do not say, so it is called again on the state before the block and after it. Out of gas, for one, stays unknown. */
export async function revertReason({ request, contracts }: Pick<SenderChain, 'request' | 'contracts'>, { from, call, block }: { readonly from: Hex; readonly call: Call; readonly block: bigint }): Promise<CodedError> {
  const { to, data, value } = call;
  for (const at of [block - 1n, block]) {
    try {
      await request({ method: 'eth_call', params: [{ from, to, data, value: toHex(value) }, toHex(at)] });
    } catch (error) {
      const coded = decodeError(error, { contracts, to, method: 'eth_call' });
      if (coded.code === 'CHAIN_REVERTED') return coded;
    }
  }
  return chainErrors.reverted({ args: {}, reason: 'it reverted in its block, and would not now' });
}
