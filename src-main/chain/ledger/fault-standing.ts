import type { PublicClient } from 'viem';
import { CodedError } from '../../base/index.ts';
import { abis } from '../abi/index.ts';
import { decodeError } from '../decode.ts';
import type { ContractAddresses, Hex } from '../types.ts';
import type { ChainSlash } from './slashes.ts';

const BPS = 10_000n;

/** What a proof is worth now, as the contracts judge it. 1e-18 SUM. */
export type FaultStanding =
  /** What would be cut of the node's stake, and what of it whoever brings the proof gets. */
  | { readonly kind: 'open'; readonly cut: bigint; readonly reward: bigint }
  /** Absent: it is not among the newest slashes, or not in a block that lasts. */
  | { readonly kind: 'punished'; readonly slash?: ChainSlash }
  | { readonly kind: 'refused'; readonly error: CodedError };

export interface FaultFrom {
  readonly client: PublicClient;
  readonly contracts: ContractAddresses;
  readonly slashes: readonly ChainSlash[];
}

/** Throws viem's errors. */
export async function faultStanding({ client, contracts, slashes }: FaultFrom, { nodeId, proof }: { readonly nodeId: Hex; readonly proof: Hex }): Promise<FaultStanding> {
  const stakes = { address: contracts.StakingContract, abi: abis.StakingContract } as const;
  const judged = await client.readContract({ address: contracts.VerifierContract, abi: abis.VerifierContract, functionName: 'verifyFault', args: [nodeId, proof] }).catch((error: unknown) => decodeError(error, { contracts, to: contracts.VerifierContract }));
  if (judged instanceof CodedError) {
    if (judged.code !== 'CHAIN_REVERTED') throw judged;
    return { kind: 'refused', error: judged };
  }
  const [faultId, bps] = judged;
  if (await client.readContract({ ...stakes, functionName: 'isPunished', args: [faultId] })) {
    const slash = slashes.find((one) => one.faultId === faultId.toLowerCase());
    return { kind: 'punished', ...(slash === undefined ? {} : { slash }) };
  }
  const [staked, queue, reporterBps] = await Promise.all([
    client.readContract({ ...stakes, functionName: 'stakedOf', args: [nodeId] }), client.readContract({ ...stakes, functionName: 'unbondingsOf', args: [nodeId] }), client.readContract({ ...stakes, functionName: 'REPORTER_BPS' }),
  ]);
  // Rounded down entry by entry, as the contract does.
  const cut = [staked, ...queue.map(({ amount }) => amount)].reduce((sum, amount) => sum + (amount * bps) / BPS, 0n);
  return { kind: 'open', cut, reward: (cut * reporterBps) / BPS };
}
