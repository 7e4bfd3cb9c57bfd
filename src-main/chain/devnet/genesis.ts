import { toHex } from 'viem';
import { EMBEDDED_CHAIN_ID } from '../config.ts';
import type { Hex } from '../types.ts';

const zeros = (bytes: number): Hex => `0x${'00'.repeat(bytes)}`;
const COINS = 10n ** 27n;

/** The block before all others, as geth's genesis files state it: no account but these has anything. */
export const genesisOf = (timestamp: number, accounts: readonly Hex[]): object => ({
  config: { chainId: EMBEDDED_CHAIN_ID },
  nonce: '0x0', timestamp: toHex(timestamp), extraData: '0x', gasLimit: toHex(30_000_000), difficulty: '0x0', mixHash: zeros(32), coinbase: zeros(20),
  number: '0x0', gasUsed: '0x0', parentHash: zeros(32),
  alloc: Object.fromEntries(accounts.map((account) => [account, { balance: toHex(COINS) }])),
});
