import type { ChainEarnings, ChainLedger, ChainSlash, Hex } from '../../chain/index.ts';
import type { Earnings, PaidSessionInfo, SlashInfo, SumLedger } from '../../../src-preload/bridge/index.ts';

/** What the chain says, in the bridge's words: amounts are decimal texts. */

const text = (units: bigint): string => units.toString();

export const ledgerInfo = ({ owner: _, liquid, gas, staked, unbonding, rewards, escrow, refundable, leastStake, ...ledger }: ChainLedger): SumLedger => ({
  ...ledger, liquid: text(liquid), gas: text(gas), staked: text(staked), rewards: text(rewards), escrow: text(escrow), refundable: text(refundable), leastStake: text(leastStake),
  unbonding: unbonding.map((entry) => ({ ...entry, amount: text(entry.amount) })),
});

/** What has not come to the node, and still can. */
const PENDING: ReadonlySet<string> = new Set(['open', 'challenge', 'claimable']);

interface Beside {
  /** What of a session is vouched for, and not on the chain yet. */
  readonly pendingOf: (sessionId: Hex) => bigint;
  readonly due?: ReadonlyMap<string, NonNullable<PaidSessionInfo['due']>>;
}

export function earningsInfo({ sinceMs, untilMs, points, sessions, byNode, settled, realisedApr }: ChainEarnings, { pendingOf, due }: Beside): Earnings {
  const listed = sessions.map(({ sessionId, role, openedAtMs, state, nodes, layers, tokens, pay, reward }) => ({
    sessionId, role, openedAtMs, state, nodes, ...(layers === undefined ? {} : { layers: [...layers] as [number, number] }), tokens, pay: text(pay), pending: text(role === 'node' && PENDING.has(state) ? pendingOf(sessionId) : 0n), reward: text(reward), ...dueIn(due, { sessionId, role }),
  }));
  return {
    sinceMs, untilMs, points: points.map(({ atMs, pay, reward }) => ({ atMs, pay: text(pay), reward: text(reward) })), sessions: listed,
    byNode: byNode.map(({ nodeId, pay, reward, work }) => ({ nodeId, pay: text(pay), reward: text(reward), work: text(work) })),
    settled: text(settled), pending: text(listed.reduce((sum, { pending }) => sum + BigInt(pending), 0n)), ...(realisedApr === undefined ? {} : { realisedApr }),
  };
}

function dueIn(due: Beside['due'], { sessionId, role }: Pick<PaidSessionInfo, 'sessionId' | 'role'>): Pick<PaidSessionInfo, 'due'> {
  const found = role === 'node' ? due?.get(sessionId) : undefined;
  return found === undefined ? {} : { due: found };
}

export const slashInfo = ({ cut, burned, sessionIds, ...slash }: ChainSlash): SlashInfo => ({ ...slash, cut: text(cut), burned: text(burned), sessionIds: sessionIds.slice(0, 2) });

export const slashesInfo = (slashes: readonly ChainSlash[], nodeId: Hex): SlashInfo[] =>
  slashes.filter((slash) => slash.nodeId === nodeId).map(slashInfo);
