import { utcMinute } from '../../../base/index.ts';
import type { Earnings, Economy, EconomyTransaction, SlashInfo, SumLedger } from '../../../host/index.ts';
import { sumText } from '../../sum.ts';
import { table } from '../../table.ts';

/** What the commands around SUM show; pure. */

const rows = (pairs: readonly (readonly [string, string])[]): string => `${pairs.map(([name, value]) => `${name.padEnd(11)} ${value}`).join('\n')}\n`;

export function chainView({ network, link, node }: Economy): string {
  const name = network === undefined ? 'not known yet' : `${network.name} (chain ${network.chainId})${network.kind === 'embedded' ? ': a test chain of this app, SUM is worth nothing here' : ''}`;
  const state = link.status === 'ready' ? `ready, block ${link.block} of ${utcMinute(link.blockTimeMs)}` : link.status === 'starting' ? 'is starting' : `${link.error.message} [${link.error.code}]`;
  const contracts = Object.entries(network?.contracts ?? {}).map(([contract, address]) => [contract, address] as const);
  return rows([['chain', name], ['state', state], ...(node === undefined ? [] : [['node', `${node.nodeId}, ${node.owner === null ? 'bound to no account' : `bound to ${node.owner}`}`] as const]), ...contracts]);
}

export function walletView({ wallet }: Economy): string {
  if (wallet.status === 'none') return 'there is no wallet here: `omninode wallet create` makes one\n';
  const { perDayUnits, todayUnits } = wallet.spend;
  return rows([
    ['account', wallet.address], ['state', wallet.status === 'locked' ? 'locked' : 'open'], ['kept', wallet.keeping === 'sealed' ? 'encrypted with its password, and sealed by this system' : 'encrypted with its password'],
    ['limit', perDayUnits === null ? 'none' : `${sumText(perDayUnits)} SUM a day, ${sumText(todayUnits)} of it used`],
  ]);
}

export function ledgerView(ledger: SumLedger, isTest: boolean): string {
  const unbonding = ledger.unbonding.map(({ index, amount, releaseAtMs, isMatured }) => ['', `${index}: ${sumText(amount)} SUM, ${isMatured ? 'can be withdrawn' : `free on ${utcMinute(releaseAtMs)} UTC`}`] as const);
  return rows([
    ['liquid', `${sumText(ledger.liquid)} SUM`], ['staked', `${sumText(ledger.staked)} SUM${ledger.isActive ? '' : `: paid work needs ${sumText(ledger.leastStake)}`}`],
    ['unbonding', unbonding.length === 0 ? 'nothing' : ''], ...unbonding, ['rewards', `${sumText(ledger.rewards)} SUM to claim`],
    ...(ledger.escrow === '0' ? [] : [['put aside', `${sumText(ledger.escrow)} SUM for sessions, ${sumText(ledger.refundable)} of it free to come back`] as const]),
    ['as of', `block ${ledger.block}, ${utcMinute(ledger.atMs)} UTC${isTest ? ' (test chain)' : ''}`],
  ]);
}

export function earningsView({ sinceMs, untilMs, settled, pending, sessions, realisedApr }: Earnings): string {
  const days = Math.round((untilMs - sinceMs) / 86_400_000);
  const head = rows([
    ['settled', `${sumText(settled)} SUM in the last ${days} days`], ['pending', `${sumText(pending)} SUM`],
    ['yearly', realisedApr === undefined ? 'not to be said: too little was staked for too short a time' : `${(realisedApr.value * 100).toFixed(2)} % of the stake, as realised over ${Math.round(realisedApr.windowMs / 86_400_000)} days`],
  ]);
  if (sessions.length === 0) return `${head}no paid sessions in that time\n`;
  const list = sessions.map(({ sessionId, role, openedAtMs, state, tokens, pay, reward }) => [sessionId.slice(0, 12), role, utcMinute(openedAtMs), state, String(tokens), sumText(pay), sumText(reward)]);
  return `${head}\n${table(['session', 'as', 'opened', 'state', 'tokens', 'pay', 'reward'], list)}\n`;
}

export function slashesView(slashes: readonly SlashInfo[]): string {
  if (slashes.length === 0) return 'this node was never slashed\n';
  return `${table(['on', 'for', 'cut', 'burned', 'transaction'], slashes.map(({ atMs, evidence, cut, burned, txHash }) => [utcMinute(atMs), evidence, sumText(cut), sumText(burned), txHash]))}\n`;
}

export function transactionView({ what, status, steps, error }: EconomyTransaction): string {
  const list = steps.map((step) => `  ${step.what}: ${step.status}${step.hash === undefined ? '' : ` ${step.hash}`}${step.block === undefined ? '' : `, block ${step.block}`}`);
  return `${[`${what}: ${status}`, ...list, ...(error === undefined ? [] : [`  ${error.message} [${error.code}]`])].join('\n')}\n`;
}
