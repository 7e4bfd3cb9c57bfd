import type { ChainEarnings, ChainSession, Hex } from '../../chain/index.ts';
import type { PaidSessionInfo } from '../../../src-preload/bridge/index.ts';
import { DISTRIBUTION_DELAY_S, type PayChain, type PayHost } from '../paid/index.ts';
import { bestOf } from './session-calls.ts';

/** So many of the newest are looked at: each costs questions to the chain. */
const LOOKED_AT = 20;

type Due = NonNullable<PaidSessionInfo['due']>;

export interface DueBy {
  readonly pay: PayHost | undefined;
  readonly nodeId: Hex;
}

/** What of this node's sessions can be sent now. This host does it by itself where it holds the owner's key; with the key elsewhere the page offers it. Rejects with what the client throws. */
export async function sessionsDue(chain: PayChain, { sessions, untilMs }: Pick<ChainEarnings, 'sessions' | 'untilMs'>, by: DueBy): Promise<ReadonlyMap<string, Due>> {
  const asked = sessions.filter(({ role, state }) => role === 'node' && (state === 'challenge' || state === 'paid')).slice(0, LOOKED_AT);
  const found = await Promise.all(asked.map(async (session) => [session.sessionId, await dueOf(chain, { session, untilMs, ...by })] as const));
  return new Map(found.filter((one): one is [typeof one[0], Due] => one[1] !== undefined));
}

async function dueOf(chain: PayChain, { session: { sessionId, state, finalAtMs, reward }, untilMs, pay, nodeId }: DueBy & { readonly session: ChainSession; readonly untilMs: number }): Promise<Due | undefined> {
  if (state === 'challenge') {
    const kept = bestOf(pay, sessionId);
    return kept !== undefined && kept.best.tokens > 0 && !await chain.isPosted(sessionId, kept.best.root) ? 'post' : undefined;
  }
  if (reward > 0n || untilMs < finalAtMs + Number(DISTRIBUTION_DELAY_S) * 1000) return undefined;
  const [fee, found, done, allocated] = await Promise.all([chain.rewardableFee(sessionId), chain.session(sessionId), chain.distributed(sessionId), chain.allocation(sessionId, nodeId)]);
  return allocated > 0n || (fee > 0n && found !== undefined && done < found.nodeIds.length) ? 'reward' : undefined;
}
