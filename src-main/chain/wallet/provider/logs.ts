import { numberToHex } from 'viem';
import { walletErrors } from '../errors.ts';
import { PROVIDER_LIMITS, type LogFilter } from './schemas.ts';

/** A filter with both ends, not too far apart. `head` gives the newest block's number. Throws WALLET_TOO_MUCH. */
export async function boundedFilter(filter: LogFilter, head: () => Promise<unknown>): Promise<LogFilter> {
  if (filter.blockHash !== undefined) {
    if (filter.fromBlock !== undefined || filter.toBlock !== undefined) throw walletErrors.badParams({ method: 'eth_getLogs', reason: 'a block, or a range' });
    return filter;
  }
  const { fromBlock = 'latest', toBlock = 'latest' } = filter;
  const newest = BigInt((await head()) as string);
  const [from, to] = [numberOf(fromBlock, newest), numberOf(toBlock, newest)];
  const limit = PROVIDER_LIMITS.logBlocks;
  if (to - from >= BigInt(limit)) throw walletErrors.tooMuch({ what: 'blocks of eth_getLogs', limit });
  return { ...filter, fromBlock: numberToHex(from), toBlock: numberToHex(to) };
}

const numberOf = (block: string, newest: bigint): bigint => (block.startsWith('0x') ? BigInt(block) : block === 'earliest' ? 0n : newest);
