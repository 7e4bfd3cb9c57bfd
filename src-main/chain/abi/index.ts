// Made by `node scripts/contracts.mjs abi`.
import { sumTokenAbi } from './sum-token.ts';
import { stakingContractAbi } from './staking-contract.ts';
import { nodeRegistryAbi } from './node-registry.ts';
import { settlementAbi } from './settlement.ts';
import { committeeAbi } from './committee.ts';
import { verifierContractAbi } from './verifier-contract.ts';
import { rewardDistributorAbi } from './reward-distributor.ts';
import { modelRegistryAbi } from './model-registry.ts';

/** The contracts' interfaces by their names in contracts/deployment.json. */
export const abis = {
  SumToken: sumTokenAbi,
  StakingContract: stakingContractAbi,
  NodeRegistry: nodeRegistryAbi,
  Settlement: settlementAbi,
  Committee: committeeAbi,
  VerifierContract: verifierContractAbi,
  RewardDistributor: rewardDistributorAbi,
  ModelRegistry: modelRegistryAbi,
} as const;
