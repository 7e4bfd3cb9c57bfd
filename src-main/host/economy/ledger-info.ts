import type { ChainEarnings, ChainLedger, ChainSlash, Hex } from '../../chain/index.ts';
import type { Earnings, SlashInfo, SumLedger } from '../../../src-preload/bridge/index.ts';

/** What the chain says, in the bridge's words: amounts are decimal texts. */

const text = (units: bigint): string => units.toString();

export const ledgerInfo = ({ owner: _, liquid, gas, staked, unbonding, rewards, escrow, refundable, leastStake, ...ledger }: ChainLedger): SumLedger => ({
  ...ledger, liquid: text(liquid), gas: text(gas), staked: text(staked), rewards: text(rewards), escrow: text(escrow), refundable: text(refundable), leastStake: text(leastStake),
  unbonding: unbonding.map((entry) => ({ ...entry, amount: text(entry.amount) })),
});

/** `pendingOf`: what of a session is vouched for, and not on the chain yet. */
export function earningsInfo({ sinceMs, untilMs, points, sessions, byNode, settled, realisedApr }: ChainEarnings, pendingOf: (sessionId: Hex) => bigint): Earnings {
  const listed = sessions.map(({ sessionId, role, openedAtMs, state, nodes, layers, tokens, pay, reward }) => ({
    sessionId, role, openedAtMs, state, nodes, ...(layers === undefined ? {} : { layers: [...layers] as [number, number] }), tokens, pay: text(pay), pending: text(role === 'node' ? pendingOf(sessionId) : 0n), reward: text(reward),
  }));
  return {
    sinceMs, untilMs, points: points.map(({ atMs, pay, reward }) => ({ atMs, pay: text(pay), reward: text(reward) })), sessions: listed,
    byNode: byNode.map(({ nodeId, pay, reward, work }) => ({ nodeId, pay: text(pay), reward: text(reward), work: text(work) })),
    settled: text(settled), pending: text(listed.reduce((sum, { pending }) => sum + BigInt(pending), 0n)), ...(realisedApr === undefined ? {} : { realisedApr }),
  };
}

export const slashInfo = ({ cut, burned, sessionIds, ...slash }: ChainSlash): SlashInfo => ({ ...slash, cut: text(cut), burned: text(burned), sessionIds: sessionIds.slice(0, 2) });

export const slashesInfo = (slashes: readonly ChainSlash[], nodeId: Hex): SlashInfo[] =>
  slashes.filter((slash) => slash.nodeId === nodeId).map(slashInfo);
