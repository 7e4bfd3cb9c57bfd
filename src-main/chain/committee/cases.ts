import { encodeAbiParameters, keccak256, type PublicClient } from 'viem';
import { abis } from '../abi/index.ts';
import type { ChainEvent, EventName, EventOf } from '../ledger/events.ts';
import { FAULT_KINDS } from '../settle/fault-proof.ts';
import type { ContractAddresses, Hex } from '../types.ts';
import { actsOf, phaseOf, STANDINGS, type CaseClock } from './phase.ts';
import type { CaseOf, CaseRole, CommitteeCase, CommitteeNow } from './types.ts';
import { evidenceText } from './words.ts';

/** Cases that are shown, the newest; and what of the evidence of one. */
const LISTED = 50;
const EVIDENCE = 20;

export interface CasesFrom {
  readonly client: PublicClient;
  readonly contracts: ContractAddresses;
  readonly events: readonly ChainEvent[];
}

export interface CasesOf {
  readonly nodeId: Hex;
  /** Undefined: of nobody. */
  readonly account?: Hex | undefined;
  /** Those of others too. */
  readonly isAll: boolean;
}

/** As VerifierContract names a ruling. */
export const rulingIdOf = ({ sessionId, nodeId }: CaseOf): Hex => keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes32' }, { type: 'bytes32' }], [FAULT_KINDS.ruling, nodeId, sessionId]));

const named = <N extends EventName>(events: readonly ChainEvent[], name: N): EventOf<N>[] => events.filter((event): event is Extract<ChainEvent, { name: N }> & EventOf<N> => event.name === name);
const isAbout = ({ sessionId, nodeId }: CaseOf) => ({ args }: { readonly args: CaseOf }): boolean => args.sessionId === sessionId && args.nodeId === nodeId;

/** The newest commitment that an account made in a case; undefined where it made none, or where its transaction does not show it. */
export const commitmentIn = (events: readonly ChainEvent[], { account, ...about }: CaseOf & { readonly account: Hex }): { readonly commitment?: Hex } | undefined =>
  named(events, 'VoteCommitted').filter(isAbout(about)).findLast(({ args }) => args.member === account.toLowerCase())?.args;

/** A case and the newest block. Throws viem's errors. */
export async function readCase({ client, contracts }: Pick<CasesFrom, 'client' | 'contracts'>, { sessionId, nodeId }: CaseOf, head?: CaseClock['now']) {
  const now = head ?? await readNow(client);
  const found = await client.readContract({ address: contracts.Committee, abi: abis.Committee, functionName: 'caseOf', args: [sessionId, nodeId], blockNumber: BigInt(now.block) });
  const clock: CaseClock = { standing: STANDINGS[found.standing] ?? 'none', isDrawn: found.isDrawn, deadlineS: Number(found.deadline), drawBlock: Number(found.drawBlock), opened: found.opened, now };
  const [challenger, accused] = [found.challenger.toLowerCase() as Hex, found.accused.toLowerCase() as Hex];
  return { clock, challenger, accused, wrong: found.wrong, members: found.members.map((member) => member.toLowerCase() as Hex) };
}

export async function readNow(client: PublicClient): Promise<CaseClock['now']> {
  const { number, timestamp } = await client.getBlock({ includeTransactions: false });
  return { block: Number(number), timeS: Number(timestamp) };
}

/** What concerns an account, or all that there is. Throws viem's errors. */
export async function readCommittee(from: CasesFrom, { nodeId, account, isAll }: CasesOf): Promise<CommitteeNow> {
  const { client, contracts, events } = from;
  const now = await readNow(client);
  const read = { address: contracts.Committee, abi: abis.Committee, blockNumber: BigInt(now.block) } as const;
  const [owed, bond, candidates, drawsDue] = await Promise.all([
    account === undefined ? 0n : client.readContract({ ...read, functionName: 'owed', args: [account] }), client.readContract({ ...read, functionName: 'BOND' }),
    client.readContract({ ...read, functionName: 'candidateCount' }), client.readContract({ ...read, functionName: 'drawsDue' }),
  ]);
  const own = account?.toLowerCase() as Hex | undefined;
  const listing = events.findLast((event) => (event.name === 'Enlisted' || event.name === 'Delisted') && event.args.nodeId === nodeId);
  const opened = named(events, 'CaseOpened').toReversed();
  const mine = opened.filter(({ args }) => isAll || rolesOf(events, args, { own, nodeId }).length > 0).slice(0, LISTED);
  const cases = await Promise.all(mine.map((event) => one(from, event, { own, nodeId, now })));
  return { atMs: now.timeS * 1000, block: now.block, owed, bond, candidates: Number(candidates), isEnlisted: listing?.name === 'Enlisted', drawsDue: Number(drawsDue), cases };
}

interface Viewer {
  readonly own: Hex | undefined;
  readonly nodeId: Hex;
}

/** By events alone: who staked for the accused node is its account. */
function rolesOf(events: readonly ChainEvent[], { challenger, ...about }: CaseOf & { readonly challenger: Hex }, { own, nodeId }: Viewer): CaseRole[] {
  const isMember = own !== undefined && named(events, 'CommitteeDrawn').some((event) => isAbout(about)(event) && event.args.members.includes(own));
  const isAccused = about.nodeId === nodeId || named(events, 'Staked').some(({ args }) => args.nodeId === about.nodeId && args.owner === own);
  return [...(challenger === own ? ['challenger' as const] : []), ...(isAccused ? ['accused' as const] : []), ...(isMember ? ['member' as const] : [])];
}

async function one(from: CasesFrom, { args, atS }: EventOf<'CaseOpened'>, { own, nodeId, now }: Viewer & { readonly now: CaseClock['now'] }): Promise<CommitteeCase> {
  const about = { sessionId: args.sessionId, nodeId: args.nodeId };
  const { clock, challenger, accused, wrong, members } = await readCase(from, about, now);
  const isMember = own !== undefined && members.includes(own);
  const roles: CaseRole[] = [...(challenger === own ? ['challenger' as const] : []), ...(accused === own || about.nodeId === nodeId ? ['accused' as const] : []), ...(isMember ? ['member' as const] : [])];
  const { votes, ownVote } = votesIn(from.events, about, own);
  const isSlashDue = clock.standing === 'upheld' && !await from.client.readContract({ address: from.contracts.StakingContract, abi: abis.StakingContract, functionName: 'isPunished', args: [rulingIdOf(about)] });
  const seat = isMember ? { ...(ownVote === undefined ? {} : { vote: ownVote }) } : undefined;
  return {
    ...about, ...phaseOf(clock), ...(clock.isDrawn || clock.standing !== 'open' ? {} : { drawBlock: clock.drawBlock }), ...(ownVote === undefined ? {} : { ownVote }),
    roles, openedAtMs: atS * 1000, challenger, accused, members, votes, opened: clock.opened, wrong, isSlashDue, acts: isSlashDue ? ['conclude'] : actsOf(clock, seat), evidence: evidenceIn(from.events, args),
  };
}

/** Members who voted, and how far the account's own vote is. */
function votesIn(events: readonly ChainEvent[], about: CaseOf, own: Hex | undefined): { readonly votes: number; readonly ownVote?: 'hidden' | 'open' } {
  const votes = new Set(named(events, 'VoteCommitted').filter(isAbout(about)).map(({ args }) => args.member));
  if (own === undefined || !votes.has(own)) return { votes: votes.size };
  const isOpen = named(events, 'VoteOpened').filter(isAbout(about)).some(({ args }) => args.member === own);
  return { votes: votes.size, ownVote: isOpen ? 'open' : 'hidden' };
}

const evidenceIn = (events: readonly ChainEvent[], { challenger, evidence, ...about }: EventOf<'CaseOpened'>['args']): CommitteeCase['evidence'] => [
  { by: challenger, text: evidenceText(evidence) }, ...named(events, 'EvidenceAdded').filter(isAbout(about)).slice(-EVIDENCE).map(({ args }) => ({ by: args.account, text: evidenceText(args.evidence) })),
];
