import type { PublicClient } from 'viem';
import { abis } from '../abi/index.ts';
import type { ContractAddresses, Hex } from '../types.ts';
import type { SyncedTo } from './event-index.ts';
import { refundableOf, type Session } from './sessions.ts';

/** Where all SUM of one node and its account lies, at one block. 1e-18 SUM; `gas` in wei. */
export interface ChainLedger {
  readonly block: number;
  /** The chain's time. */
  readonly atMs: number;
  readonly liquid: bigint;
  readonly gas: bigint;
  readonly staked: bigint;
  readonly unbonding: readonly { readonly index: number; readonly amount: bigint; readonly releaseAtMs: number; readonly isMatured: boolean }[];
  readonly rewards: bigint;
  readonly escrow: bigint;
  readonly refundable: bigint;
  readonly leastStake: bigint;
  readonly isActive: boolean;
  /** The account that the node is bound to. */
  readonly owner: Hex | null;
}

export interface LedgerOf {
  readonly nodeId: Hex;
  readonly account: Hex;
}

/** `sessions`: as of the same block. */
export async function readLedger({ client, contracts, sessions, at }: { readonly client: PublicClient; readonly contracts: ContractAddresses; readonly sessions: Iterable<Session>; readonly at: SyncedTo }, { nodeId, account }: LedgerOf): Promise<ChainLedger> {
  const blockNumber = at.block;
  const stakes = { address: contracts.StakingContract, abi: abis.StakingContract, blockNumber } as const;
  const [liquid, gas, staked, queue, rewards, leastStake, owner] = await Promise.all([
    client.readContract({ address: contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [account], blockNumber }),
    client.getBalance({ address: account, blockNumber }),
    client.readContract({ ...stakes, functionName: 'stakedOf', args: [nodeId] }),
    client.readContract({ ...stakes, functionName: 'unbondingsOf', args: [nodeId] }),
    client.readContract({ ...stakes, functionName: 'rewardsOf', args: [nodeId] }),
    client.readContract({ ...stakes, functionName: 'MIN_STAKE' }),
    client.readContract({ address: contracts.NodeRegistry, abi: abis.NodeRegistry, functionName: 'ownerOf', args: [nodeId], blockNumber }),
  ]);
  const own = [...sessions].filter(({ payer }) => payer === account.toLowerCase());
  const total = (amounts: readonly bigint[]): bigint => amounts.reduce((all, amount) => all + amount, 0n);
  return {
    block: Number(at.block), atMs: at.atMs, liquid, gas, staked, rewards, leastStake, isActive: staked >= leastStake, owner: BigInt(owner) === 0n ? null : owner,
    unbonding: queue.map(({ amount, releaseAt }, index) => ({ index, amount, releaseAtMs: Number(releaseAt) * 1000, isMatured: Number(releaseAt) * 1000 <= at.atMs })),
    escrow: total(own.map(({ left }) => left)), refundable: total(own.map((session) => refundableOf(session, at.atMs / 1000))),
  };
}
