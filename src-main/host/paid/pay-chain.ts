import { encodeAbiParameters, encodeFunctionData, zeroAddress, type PublicClient } from 'viem';
import { abis, type Bill, type Call, type ChainNetwork, type Hex } from '../../chain/index.ts';
import type { BookedVoucher } from './book.ts';

/** What the settlement knows of a session. Times are seconds of the chain. */
export interface ChainSession {
  readonly payer: Hex;
  readonly endsAt: bigint;
  readonly finalAt: bigint;
  readonly nodeIds: readonly Hex[];
  readonly left: bigint;
}

export interface ChainShare {
  readonly cap: bigint;
  readonly isClosed: boolean;
}

export interface OpenRequest {
  readonly salt: Hex;
  readonly durationS: bigint;
  readonly nodeIds: readonly Hex[];
  readonly caps: readonly bigint[];
}

/** The contracts as paid sessions see them: what they ask, and the calls that they send. Rejects with what the client throws where the chain is not reached. */
export class PayChain {
  readonly network: ChainNetwork;
  readonly #client: PublicClient;

  constructor({ network, client }: { readonly network: ChainNetwork; readonly client: PublicClient }) {
    this.network = network;
    this.#client = client;
  }

  /** Lower case, as everything in the book. */
  get settlement(): Hex {
    return this.network.contracts.Settlement.toLowerCase() as Hex;
  }

  /** Of the newest block, seconds. */
  async time(): Promise<bigint> {
    return (await this.#client.getBlock({ includeTransactions: false })).timestamp;
  }

  /** It has the least stake for paid work. */
  isActive(nodeId: Hex): Promise<boolean> {
    return this.#client.readContract({ address: this.network.contracts.StakingContract, abi: abis.StakingContract, functionName: 'isActive', args: [nodeId] });
  }

  /** Undefined: it is bound to nobody. */
  async ownerOf(nodeId: Hex): Promise<Hex | undefined> {
    const owner = await this.#client.readContract({ address: this.network.contracts.NodeRegistry, abi: abis.NodeRegistry, functionName: 'ownerOf', args: [nodeId] });
    return owner === zeroAddress ? undefined : owner;
  }

  /** Undefined where there is none. */
  async session(id: Hex): Promise<ChainSession | undefined> {
    const on = { address: this.settlement, abi: abis.Settlement, args: [id] } as const;
    const [payer, endsAt, finalAt, nodeIds, left] = await Promise.all([
      this.#client.readContract({ ...on, functionName: 'payerOf' }), this.#client.readContract({ ...on, functionName: 'endsAtOf' }), this.#client.readContract({ ...on, functionName: 'finalAtOf' }),
      this.#client.readContract({ ...on, functionName: 'nodesOf' }), this.#client.readContract({ ...on, functionName: 'leftOf' }),
    ]);
    return payer === zeroAddress ? undefined : { payer, endsAt, finalAt, nodeIds, left };
  }

  async share(id: Hex, nodeId: Hex): Promise<ChainShare> {
    const { cap, isClosed } = await this.#client.readContract({ address: this.settlement, abi: abis.Settlement, functionName: 'shareOf', args: [id, nodeId] });
    return { cap, isClosed };
  }

  /** How a committee's case about the node's work in the session stands. `open`: its claim waits; `upheld`: it has none. */
  async standing(id: Hex, nodeId: Hex): Promise<'none' | 'open' | 'over' | 'upheld'> {
    const standing = await this.#client.readContract({ address: this.network.contracts.Committee, abi: abis.Committee, functionName: 'standingOf', args: [id, nodeId] });
    return STANDINGS[standing] ?? 'over';
  }

  isPosted(id: Hex, root: Hex): Promise<boolean> {
    return this.#client.readContract({ address: this.settlement, abi: abis.Settlement, functionName: 'isPosted', args: [id, root] });
  }

  async isScored(id: Hex): Promise<boolean> {
    const [isGiven] = await this.#client.readContract({ address: this.network.contracts.RewardDistributor, abi: abis.RewardDistributor, functionName: 'feedbackOf', args: [id] });
    return isGiven;
  }

  /** Burned by claims in time for rewards: nothing where nobody claimed by then. */
  async rewardableFee(id: Hex): Promise<bigint> {
    const [, fee] = await this.#client.readContract({ address: this.settlement, abi: abis.Settlement, functionName: 'rewardableOf', args: [id] });
    return fee;
  }

  /** Nodes whose rewards were fixed. */
  async distributed(id: Hex): Promise<number> {
    const [, next] = await this.#client.readContract({ address: this.network.contracts.RewardDistributor, abi: abis.RewardDistributor, functionName: 'roundOf', args: [id] });
    return next;
  }

  /** Fixed for the node, and not with its stake yet. */
  allocation(id: Hex, nodeId: Hex): Promise<bigint> {
    return this.#client.readContract({ address: this.network.contracts.RewardDistributor, abi: abis.RewardDistributor, functionName: 'allocationOf', args: [id, nodeId] });
  }

  isPunished(faultId: Hex): Promise<boolean> {
    return this.#client.readContract({ address: this.network.contracts.StakingContract, abi: abis.StakingContract, functionName: 'isPunished', args: [faultId] });
  }

  /** What all nodes may earn together is approved, exactly, and put aside. */
  open({ salt, durationS, nodeIds, caps }: OpenRequest): Call[] {
    const escrow = caps.reduce((sum, cap) => sum + cap, 0n);
    return [
      call('approve', this.network.contracts.SumToken, encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [this.settlement, escrow] })),
      call('openSession', this.settlement, encodeFunctionData({ abi: abis.Settlement, functionName: 'openSession', args: [salt, durationS, nodeIds, caps] })),
    ];
  }

  post(id: Hex, { root, signature }: Pick<BookedVoucher, 'root' | 'signature'>): Call[] {
    return [call('post', this.settlement, encodeFunctionData({ abi: abis.Settlement, functionName: 'post', args: [id, root, signature] }))];
  }

  collect(bill: Bill, { root, path }: Pick<BookedVoucher, 'root' | 'path'>): Call[] {
    return [call('claim', this.settlement, encodeFunctionData({ abi: abis.Settlement, functionName: 'claim', args: [bill, root, path] }))];
  }

  /** What was put aside for a node that a committee found wrong is the payer's again. */
  refuse(id: Hex, nodeId: Hex): Call[] {
    return [call('refuse', this.settlement, encodeFunctionData({ abi: abis.Settlement, functionName: 'refuse', args: [id, nodeId] }))];
  }

  refund(id: Hex): Call[] {
    return [call('refund', this.settlement, encodeFunctionData({ abi: abis.Settlement, functionName: 'refund', args: [id] }))];
  }

  score(id: Hex, score: bigint): Call[] {
    return [call('submitFeedback', this.network.contracts.RewardDistributor, encodeFunctionData({ abi: abis.RewardDistributor, functionName: 'submitFeedback', args: [id, score] }))];
  }

  distribute(id: Hex, nodes: number): Call[] {
    return [call('distribute', this.network.contracts.RewardDistributor, encodeFunctionData({ abi: abis.RewardDistributor, functionName: 'distribute', args: [id, BigInt(nodes)] }))];
  }

  reward(id: Hex, nodeId: Hex, amount: bigint): Call[] {
    const proof = encodeAbiParameters([{ type: 'bytes32' }], [id]);
    return [call('reward', this.network.contracts.StakingContract, encodeFunctionData({ abi: abis.StakingContract, functionName: 'reward', args: [nodeId, amount, proof] }))];
  }

  slash(nodeId: Hex, proof: Hex): Call[] {
    return [call('slash', this.network.contracts.StakingContract, encodeFunctionData({ abi: abis.StakingContract, functionName: 'slash', args: [nodeId, proof] }))];
  }
}

/** ICommittee.Standing. */
const STANDINGS = ['none', 'open', 'over', 'over', 'upheld'] as const;
const call = (what: string, to: Hex, data: Hex): Call => ({ what, to, data, value: 0n });
