import { getAddress, isAddress } from 'viem';
import { economyErrors, type Call, type Hex, type NodeSigner, type SumChain } from '../../chain/index.ts';
import type { EconomyOp } from '../../../src-preload/bridge/index.ts';
import { PayChain, type PayHost } from '../paid/index.ts';
import { sessionCalls } from './session-calls.ts';
import { simulateCalls } from './simulate.ts';

export interface PlannedBy {
  readonly account: Hex;
  /** Signs bindings to this account. */
  readonly node: NodeSigner;
  readonly pay?: PayHost | undefined;
}

/** The calls of an operation, in order. Throws ECONOMY_NOT_POSSIBLE, CHAIN_*. */
export async function plannedCalls(chain: SumChain, op: EconomyOp, { account, node, pay }: PlannedBy): Promise<Call[]> {
  const who = { nodeId: node.nodeId, account, nodeSigner: node };
  switch (op.op) {
    case 'stake': case 'unstake': return chain.plan({ op: op.op, amount: BigInt(op.amount) }, who);
    case 'transfer': return chain.plan({ op: 'transfer', to: op.to as Hex, amount: BigInt(op.amount) }, who);
    case 'cancel': return chain.plan({ op: 'cancel', index: op.index }, who);
    case 'withdraw': case 'claim': return chain.plan({ op: op.op }, who);
    case 'collect': case 'refund': case 'post': case 'reward': return sessionCalls(new PayChain(chain), op, { pay, nodeId: node.nodeId });
  }
}

export interface OutsidePlan {
  readonly calls: readonly Call[];
  readonly nonce: number;
}

/**
 * For an account whose key is elsewhere: nobody here sees what that wallet has sent, so it is planned by the chain alone, and not while something of
 * the account is under way; and tried first, as the fee of what fails would be lost. Throws ECONOMY_NOT_POSSIBLE, ECONOMY_BINDING_NOT_APPROVED, CHAIN_*.
 */
export async function outsidePlan(chain: SumChain, op: EconomyOp, by: PlannedBy): Promise<OutsidePlan> {
  const { account } = by;
  const [nonce, pending] = await Promise.all((['latest', 'pending'] as const).map((blockTag) => chain.client.getTransactionCount({ address: account, blockTag }))) as [number, number];
  if (pending > nonce) throw economyErrors.notPossible({ op: op.op, reason: 'a transaction of that account is not in a block yet' });
  const calls = await plannedCalls(chain, op, by);
  const { outcome, reason } = await simulateCalls(chain, account, calls);
  if (outcome === 'reverts') throw economyErrors.notPossible({ op: op.op, reason: reason ?? 'the contracts refuse it' });
  return { calls, nonce };
}

/** As everybody writes it. Throws ECONOMY_BAD_ACCOUNT, also where the checksum (EIP-55) says that it was mistyped. */
export function checkedAccount(text: string): Hex {
  if (!isAddress(text)) throw economyErrors.badAccount({ account: text.slice(0, 100) });
  return getAddress(text);
}

/** The same, and what the chain's client throws in the chain's own codes. */
export const inCodes = <T>(chain: SumChain, work: Promise<T>): Promise<T> => work.catch((error: unknown) => Promise.reject(chain.decodeError(error)));
