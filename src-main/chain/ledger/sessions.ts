import type { Hex } from '../types.ts';
import type { ChainEvent, EventOf } from './events.ts';

/** Settlement's: what a node has not claimed by then after finality is the payer's again. */
const CLAIM_PERIOD_S = 30 * 86_400;
const CHALLENGE_WINDOW_S = 86_400;

export type PaidSessionState = 'open' | 'challenge' | 'claimable' | 'paid' | 'refused' | 'refunded' | 'lapsed';

export interface Session {
  readonly sessionId: Hex;
  readonly payer: Hex;
  readonly openedAtS: number;
  readonly finalAtS: number;
  readonly nodeIds: readonly Hex[];
  readonly caps: ReadonlyMap<Hex, bigint>;
  readonly claims: Map<Hex, EventOf<'Claimed'>>;
  readonly refused: Set<Hex>;
  readonly rewards: Map<Hex, bigint>;
  vouchers: number;
  refunded: bigint;
  /** Of what was put aside, what still lies in the settlement, and the part of it that no node can claim any more. */
  left: bigint;
  freed: bigint;
}

/** Sessions as their events tell them, the oldest first. */
export function sessionsOf(events: readonly ChainEvent[]): Map<Hex, Session> {
  const sessions = new Map<Hex, Session>();
  for (const event of events) {
    if (event.name === 'SessionOpened') sessions.set(event.args.sessionId, opened(event));
    else if ('sessionId' in event.args) apply(sessions.get(event.args.sessionId), event);
  }
  return sessions;
}

function opened({ args, atS }: EventOf<'SessionOpened'>): Session {
  const { sessionId, payer, nodeIds, caps, escrow, finalAt } = args;
  return {
    sessionId, payer, nodeIds, openedAtS: atS, finalAtS: Number(finalAt), caps: new Map(nodeIds.map((nodeId, index) => [nodeId, BigInt(caps[index] ?? 0)])),
    claims: new Map(), refused: new Set(), rewards: new Map(), vouchers: 0, refunded: 0n, left: BigInt(escrow), freed: 0n,
  };
}

function apply(session: Session | undefined, event: ChainEvent): void {
  if (session === undefined) return;
  const capOf = (nodeId: Hex): bigint => session.caps.get(nodeId) ?? 0n;
  if (event.name === 'VoucherPosted') session.vouchers++;
  else if (event.name === 'Claimed') {
    const amount = BigInt(event.args.paid) + BigInt(event.args.burned);
    session.claims.set(event.args.nodeId, event);
    session.left -= amount;
    session.freed += capOf(event.args.nodeId) - amount;
  } else if (event.name === 'Refused') {
    session.refused.add(event.args.nodeId);
    session.freed += capOf(event.args.nodeId);
  } else if (event.name === 'Refunded') {
    session.refunded += BigInt(event.args.amount);
    session.left -= BigInt(event.args.amount);
    session.freed = 0n;
  } else if (event.name === 'Released') session.rewards.set(event.args.nodeId, (session.rewards.get(event.args.nodeId) ?? 0n) + BigInt(event.args.amount));
}

/** What `Settlement.refund` would give back now. */
export function refundableOf({ finalAtS, vouchers, left, freed }: Session, nowS: number): bigint {
  if (nowS < finalAtS) return 0n;
  return vouchers === 0 || nowS >= finalAtS + CLAIM_PERIOD_S ? left : freed;
}

/** How it stands for one node of it, or, without one, for its payer. */
export function stateOf(session: Session, nowS: number, nodeId?: Hex): PaidSessionState {
  const { finalAtS, claims, refused, left, refunded } = session;
  if (nodeId !== undefined && claims.has(nodeId)) return 'paid';
  if (nodeId !== undefined && refused.has(nodeId)) return 'refused';
  if (nowS < finalAtS - CHALLENGE_WINDOW_S) return 'open';
  if (nowS < finalAtS) return 'challenge';
  if (nodeId === undefined && left === 0n) return refunded > 0n ? 'refunded' : 'paid';
  if (nodeId !== undefined && (nowS >= finalAtS + CLAIM_PERIOD_S || left === 0n)) return 'lapsed';
  return 'claimable';
}
