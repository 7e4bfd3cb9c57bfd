import { bytesToHex, encodeFunctionData, isAddress, type PublicClient } from 'viem';
import { abis } from './abi/index.ts';
import { economyErrors } from './errors.ts';
import { bindingMessage } from './settle/index.ts';
import type { Call, ChainNetwork, Hex, NodeSigner } from './types.ts';

/** What an owner can ask for. Amounts: 1e-18 SUM. */
export type ChainOp =
  | { readonly op: 'stake'; readonly amount: bigint }
  | { readonly op: 'unstake'; readonly amount: bigint }
  | { readonly op: 'cancel'; readonly index: number }
  | { readonly op: 'withdraw' | 'claim' }
  | { readonly op: 'transfer'; readonly to: Hex; readonly amount: bigint };

export interface PlanFor {
  readonly nodeId: Hex;
  readonly account: Hex;
  /** Needed to stake for a node that is not bound yet. */
  readonly nodeSigner?: NodeSigner;
}

export interface PlanChain {
  readonly client: PublicClient;
  readonly network: ChainNetwork;
}

const plain = (what: string, to: Hex, data: Hex): Call => ({ what, to, data, value: 0n });

/** The calls that do it, in order. Throws ECONOMY_NOT_POSSIBLE, and what reading the chain throws. */
export async function planCalls({ client, network }: PlanChain, op: ChainOp, who: PlanFor): Promise<Call[]> {
  const { StakingContract: stakes, SumToken: token } = network.contracts;
  const onStakes = (what: string, data: Hex): Call[] => [plain(what, stakes, data)];
  switch (op.op) {
    case 'stake': return await planStake({ client, network }, op.amount, who);
    case 'unstake': return onStakes('unstake', encodeFunctionData({ abi: abis.StakingContract, functionName: 'unstake', args: [who.nodeId, op.amount] }));
    case 'cancel': return onStakes('cancel', encodeFunctionData({ abi: abis.StakingContract, functionName: 'cancelUnbonding', args: [who.nodeId, BigInt(op.index)] }));
    case 'withdraw': return onStakes('withdraw', encodeFunctionData({ abi: abis.StakingContract, functionName: 'withdraw', args: [who.nodeId] }));
    case 'claim': return onStakes('claim', encodeFunctionData({ abi: abis.StakingContract, functionName: 'claim', args: [who.nodeId] }));
    case 'transfer': {
      if (!isAddress(op.to, { strict: false }) || op.amount <= 0n) throw economyErrors.notPossible({ op: 'transfer', reason: 'it needs an address and an amount' });
      return [plain('transfer', token, encodeFunctionData({ abi: abis.SumToken, functionName: 'transfer', args: [op.to, op.amount] }))];
    }
  }
}

/** Bind the node where it is not, approve exactly what is staked, stake. */
async function planStake({ client, network }: PlanChain, amount: bigint, { nodeId, account, nodeSigner }: PlanFor): Promise<Call[]> {
  const { StakingContract: stakes, SumToken: token } = network.contracts;
  const [owner, allowance, balance] = await Promise.all([
    client.readContract({ address: network.contracts.NodeRegistry, abi: abis.NodeRegistry, functionName: 'ownerOf', args: [nodeId] }),
    client.readContract({ address: token, abi: abis.SumToken, functionName: 'allowance', args: [account, stakes] }),
    client.readContract({ address: token, abi: abis.SumToken, functionName: 'balanceOf', args: [account] }),
  ]);
  if (balance < amount) throw economyErrors.notPossible({ op: 'stake', reason: 'the account has less SUM than that' });
  const isBound = BigInt(owner) !== 0n;
  if (isBound && owner.toLowerCase() !== account.toLowerCase()) throw economyErrors.notPossible({ op: 'stake', reason: `the node belongs to ${owner}` });
  return [
    ...(isBound ? [] : [await planBind({ client, network }, { nodeId, account, ...(nodeSigner === undefined ? {} : { nodeSigner }) })]),
    ...(allowance === amount ? [] : [plain('approve', token, encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [stakes, amount] }))]),
    plain('stake', stakes, encodeFunctionData({ abi: abis.StakingContract, functionName: 'stake', args: [nodeId, amount] })),
  ];
}

/** What binds the node to an account: once its identity signed that. Throws ECONOMY_NOT_POSSIBLE, and what the signer and reading throw. */
export async function planBind({ client, network }: PlanChain, { nodeId, account, nodeSigner }: PlanFor): Promise<Call> {
  const registry = network.contracts.NodeRegistry;
  if (nodeSigner?.nodeId !== nodeId) throw economyErrors.notPossible({ op: 'stake', reason: 'the node is bound to no account, and its key is not here' });
  const nonce = await client.readContract({ address: registry, abi: abis.NodeRegistry, functionName: 'nonceOf', args: [nodeId] });
  const signature = await nodeSigner.sign(bindingMessage({ chainId: network.chainId, registry, owner: account, nonce }));
  const [r, s] = [bytesToHex(signature.subarray(0, 32)), bytesToHex(signature.subarray(32, 64))];
  return plain('bind', registry, encodeFunctionData({ abi: abis.NodeRegistry, functionName: 'bind', args: [nodeId, r, s] }));
}
