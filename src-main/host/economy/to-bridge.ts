import type { Asked, Call, ChainLink, ChainNetwork, OutboxEntry, WalletStanding } from '../../chain/index.ts';
import type { ChainLinkInfo, ChainNetworkInfo, EconomyPlan, EconomyTransaction, WalletState } from '../../../src-preload/bridge/index.ts';

/** How chain and wallet stand, in the bridge's words; pure. */

export const networkInfo = ({ kind, chainId, name, contracts }: ChainNetwork, publicRpc: readonly string[]): ChainNetworkInfo => ({
  kind, chainId, name,
  contracts: { token: contracts.SumToken, stakes: contracts.StakingContract, registry: contracts.NodeRegistry, settlement: contracts.Settlement, distributor: contracts.RewardDistributor },
  ...(publicRpc.length === 0 ? {} : { publicRpc }),
});

export function linkInfo(link: ChainLink): ChainLinkInfo {
  if (link.status === 'starting') return link;
  if (link.status === 'ready') return { status: 'ready', block: Number(link.block), blockTimeMs: link.blockTimeMs };
  return { status: link.status, error: link.error.toWire(), sinceMs: link.sinceMs, ...(link.block === undefined ? {} : { block: Number(link.block) }) };
}

export function walletInfo(standing: WalletStanding): WalletState {
  if (standing.status === 'none') return standing;
  const { status, address, keeping, spend: { perDayUnits, todayUnits } } = standing;
  return { status, address, keeping, spend: { perDayUnits: perDayUnits?.toString() ?? null, todayUnits: todayUnits.toString() } };
}

export const planInfo = (what: string, calls: readonly Call[], nonce?: number): EconomyPlan => ({ what, ...(nonce === undefined ? {} : { nonce }), calls: calls.map(({ what: name, to, data, value }) => ({ what: name, to, data, value: value.toString() })) });

export const transactionInfo = ({ batch, atMs, status, steps, error }: OutboxEntry): EconomyTransaction => ({
  id: batch.id, what: batch.what, status, atMs,
  steps: steps.map(({ what, status: step, hash, block, fee, resent }) => ({
    what, status: step, resent, ...(hash === undefined ? {} : { hash }), ...(block === undefined ? {} : { block: Number(block) }), ...(fee === undefined ? {} : { feeUnits: fee.toString() }),
  })),
  ...(error === undefined ? {} : { error }),
});

/** What waits for the owner is a transaction too, one that nothing was signed of. */
export const askedTransactions = (asked: readonly Asked[]): EconomyTransaction[] => asked.flatMap(({ subject, askedAtMs }) => (subject.kind === 'batch'
  ? [{ id: subject.batch.id, what: subject.batch.what, status: 'asking' as const, atMs: askedAtMs, amount: subject.spends.toString(), steps: subject.batch.calls.map(({ what }) => ({ what, status: 'asking' as const, resent: 0 })) }]
  : []));
