import type { Hex } from '../types.ts';
import type { ChainEvent, EventOf } from './events.ts';
import { meanStake, stakeSteps } from './mean-stake.ts';
import { sessionsOf, stateOf, type PaidSessionState, type Session } from './sessions.ts';

/** 1e-18 SUM, all of them. Pay is after the fee; what is vouched for and not claimed yet the chain does not know. */
export interface ChainEarnings {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly points: readonly { readonly atMs: number; readonly pay: bigint; readonly reward: bigint }[];
  readonly sessions: readonly ChainSession[];
  readonly byNode: readonly { readonly nodeId: Hex; readonly pay: bigint; readonly reward: bigint; readonly work: bigint }[];
  /** Pay and rewards of the node. */
  readonly settled: bigint;
  /** Per year, over the mean stake in the window that is stated: of what was, not of what will be. */
  readonly realisedApr?: { readonly windowMs: number; readonly value: number };
}

export interface ChainSession {
  readonly sessionId: Hex;
  readonly role: 'node' | 'payer';
  readonly openedAtMs: number;
  readonly finalAtMs: number;
  readonly state: PaidSessionState;
  readonly nodes: number;
  readonly layers?: readonly [number, number];
  readonly tokens: number;
  /** Layers x tokens. */
  readonly work: bigint;
  /** Earned by the node, or paid by the account (fees included). */
  readonly pay: bigint;
  readonly reward: bigint;
}

export interface EarningsFor {
  readonly nodeId: Hex;
  readonly account?: Hex;
  readonly windowMs: number;
  /** The chain's time. */
  readonly nowMs: number;
}

const LISTED = 200;
const MAX_POINTS = 200;
const LEAST_STEP_MS = 3_600_000;
/** A shorter time says nothing about a year. */
const LEAST_APR_S = 86_400;
const YEAR_S = 365 * 86_400;

export function earningsOf(events: readonly ChainEvent[], { nodeId, account, windowMs, nowMs }: EarningsFor): ChainEarnings {
  const sinceMs = Math.max(0, nowMs - windowMs);
  const [node, payer] = [nodeId.toLowerCase() as Hex, account?.toLowerCase()];
  const within = events.filter(({ atS }) => atS * 1000 >= sinceMs);
  const sessions = [...sessionsOf(events).values()].filter((session) => session.nodeIds.includes(node) || session.payer === payer);
  const [pays, rewards] = [within.filter(isClaim).filter(({ args }) => args.nodeId === node), within.filter(isReward).filter(({ args }) => args.nodeId === node)];
  const settled = sum(pays.map(({ args }) => args.paid)) + sum(rewards.map(({ args }) => args.amount));
  const apr = realisedApr(events, { node, settled, span: { fromS: sinceMs / 1000, untilS: Math.floor(nowMs / 1000) } });
  return {
    sinceMs, untilMs: nowMs, settled, points: pointsOf(pays, rewards, { sinceMs, windowMs: nowMs - sinceMs }),
    sessions: sessions.filter(({ openedAtS, finalAtS }) => Math.max(openedAtS, finalAtS) * 1000 >= sinceMs).toReversed().slice(0, LISTED).flatMap((session) => views(session, { node, payer, nowS: nowMs / 1000 })).slice(0, LISTED),
    byNode: byNode(within, new Set(sessions.map(({ sessionId }) => sessionId))),
    ...(apr === undefined ? {} : { realisedApr: apr }),
  };
}

const isClaim = (event: ChainEvent): event is EventOf<'Claimed'> => event.name === 'Claimed';
const isReward = (event: ChainEvent): event is EventOf<'Released'> => event.name === 'Released';
const sum = (amounts: readonly string[]): bigint => amounts.reduce((all, amount) => all + BigInt(amount), 0n);

function pointsOf(pays: readonly EventOf<'Claimed'>[], rewards: readonly EventOf<'Released'>[], { sinceMs, windowMs }: { readonly sinceMs: number; readonly windowMs: number }): ChainEarnings['points'] {
  const stepMs = Math.max(LEAST_STEP_MS, Math.ceil(windowMs / MAX_POINTS));
  const points = new Map<number, { atMs: number; pay: bigint; reward: bigint }>();
  const at = (atS: number): { pay: bigint; reward: bigint } => {
    const atMs = sinceMs + Math.floor((atS * 1000 - sinceMs) / stepMs) * stepMs;
    return points.get(atMs) ?? points.set(atMs, { atMs, pay: 0n, reward: 0n }).get(atMs) as { pay: bigint; reward: bigint };
  };
  for (const { atS, args } of pays) at(atS).pay += BigInt(args.paid);
  for (const { atS, args } of rewards) at(atS).reward += BigInt(args.amount);
  return [...points.values()].sort((a, b) => a.atMs - b.atMs);
}

/** A session as the node sees it, as its payer does, or both. */
function views(session: Session, { node, payer, nowS }: { readonly node: Hex; readonly payer: string | undefined; readonly nowS: number }): ChainSession[] {
  const { sessionId, openedAtS, finalAtS, nodeIds } = session;
  const common = { sessionId, openedAtMs: openedAtS * 1000, finalAtMs: finalAtS * 1000, nodes: nodeIds.length };
  const claim = session.claims.get(node)?.args;
  const claims = [...session.claims.values()].map(({ args }) => args);
  const asNode = (): ChainSession => ({
    ...common, role: 'node', state: stateOf(session, nowS, node), tokens: claim?.tokens ?? 0, work: BigInt(claim?.work ?? 0), pay: BigInt(claim?.paid ?? 0), reward: session.rewards.get(node) ?? 0n,
    ...(claim?.layers === undefined ? {} : { layers: claim.layers }),
  });
  const asPayer = (): ChainSession => ({
    ...common, role: 'payer', state: stateOf(session, nowS), tokens: Math.max(0, ...claims.map(({ tokens = 0 }) => tokens)), work: sum(claims.map(({ work }) => work)),
    pay: sum(claims.flatMap(({ paid, burned }) => [paid, burned])), reward: [...session.rewards.values()].reduce((all, reward) => all + reward, 0n),
  });
  return [...(nodeIds.includes(node) ? [asNode()] : []), ...(session.payer === payer ? [asPayer()] : [])];
}

function byNode(within: readonly ChainEvent[], sessionIds: ReadonlySet<Hex>): ChainEarnings['byNode'] {
  const rows = new Map<Hex, { nodeId: Hex; pay: bigint; reward: bigint; work: bigint }>();
  for (const event of within) {
    if (!(isClaim(event) || isReward(event)) || !sessionIds.has(event.args.sessionId)) continue;
    const { nodeId } = event.args;
    const row = rows.get(nodeId) ?? { nodeId, pay: 0n, reward: 0n, work: 0n };
    if (isClaim(event)) [row.pay, row.work] = [row.pay + BigInt(event.args.paid), row.work + BigInt(event.args.work)];
    else row.reward += BigInt(event.args.amount);
    rows.set(nodeId, row);
  }
  return [...rows.values()].sort((a, b) => (a.pay < b.pay ? 1 : -1)).slice(0, LISTED);
}

/** From the first stake of the window on. */
function realisedApr(events: readonly ChainEvent[], { node, settled, span }: { readonly node: Hex; readonly settled: bigint; readonly span: { readonly fromS: number; readonly untilS: number } }): ChainEarnings['realisedApr'] {
  const steps = stakeSteps(events, node);
  const fromS = Math.max(Math.ceil(span.fromS), steps[0]?.[0] ?? span.untilS);
  const mean = meanStake(steps, { fromS, untilS: span.untilS });
  const lengthS = span.untilS - fromS;
  if (mean === 0n || lengthS < LEAST_APR_S) return undefined;
  return { windowMs: lengthS * 1000, value: (Number((settled * 10n ** 12n) / mean) / 1e12) * (YEAR_S / lengthS) };
}
