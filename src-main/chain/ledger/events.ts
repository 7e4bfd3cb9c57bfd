import { decodeEventLog, decodeFunctionData, encodeEventTopics } from 'viem';
import { z } from 'zod';
import { abis } from '../abi/index.ts';
import { decodeFault, type Evidence } from '../settle/fault-proof.ts';
import type { ContractAddresses, Hex } from '../types.ts';

/** Amounts as decimal strings: 1e-18 SUM. */
interface EventArgs {
  Staked: { nodeId: Hex; owner: Hex; amount: string };
  UnbondingStarted: { nodeId: Hex; amount: string; releaseAt: string };
  UnbondingCancelled: { nodeId: Hex; amount: string };
  Withdrawn: { nodeId: Hex; owner: Hex; amount: string };
  Slashed: { nodeId: Hex; faultId: Hex; reporter: Hex; cut: string; burned: string; evidence: Evidence; sessionIds: readonly Hex[] };
  SessionOpened: { sessionId: Hex; payer: Hex; escrow: string; finalAt: string; nodeIds: readonly Hex[]; caps: readonly string[] };
  VoucherPosted: { sessionId: Hex; root: Hex };
  /** Layers and tokens: of the bill, where the transaction shows it. */
  Claimed: { sessionId: Hex; nodeId: Hex; owner: Hex; paid: string; burned: string; work: string; layers?: readonly [number, number]; tokens?: number };
  Refused: { sessionId: Hex; nodeId: Hex };
  Refunded: { sessionId: Hex; payer: Hex; amount: string };
  Released: { sessionId: Hex; nodeId: Hex; amount: string };
  Enlisted: { nodeId: Hex };
  Delisted: { nodeId: Hex };
  CaseOpened: { sessionId: Hex; nodeId: Hex; challenger: Hex; evidence: Hex; drawBlock: string };
  EvidenceAdded: { sessionId: Hex; nodeId: Hex; account: Hex; evidence: Hex };
  CommitteeDrawn: { sessionId: Hex; nodeId: Hex; members: readonly Hex[]; voteUntil: string };
  /** The commitment: of the transaction, where that shows it. */
  VoteCommitted: { sessionId: Hex; nodeId: Hex; member: Hex; commitment?: Hex };
  VoteOpened: { sessionId: Hex; nodeId: Hex; member: Hex; isWrong: boolean };
}
export type EventName = keyof EventArgs;
export type EventOf<N extends EventName> = { readonly name: N; readonly args: Readonly<EventArgs[N]>; readonly block: number; readonly position: number; readonly atS: number; readonly tx: Hex };
export type ChainEvent = { [N in EventName]: EventOf<N> }[EventName];

const NAMES = {
  StakingContract: ['Staked', 'UnbondingStarted', 'UnbondingCancelled', 'Withdrawn', 'Slashed'],
  Settlement: ['SessionOpened', 'VoucherPosted', 'Claimed', 'Refused', 'Refunded'],
  RewardDistributor: ['Released'],
  Committee: ['Enlisted', 'Delisted', 'CaseOpened', 'EvidenceAdded', 'CommitteeDrawn', 'VoteCommitted', 'VoteOpened'],
} as const;
export const READ_CONTRACTS = Object.keys(NAMES) as (keyof typeof NAMES)[];

/** First topics of what is read. */
export const READ_TOPICS: readonly Hex[] = READ_CONTRACTS.flatMap((contract) => NAMES[contract].map((eventName) => (encodeEventTopics({ abi: abis[contract], eventName })[0])));

const hex = z.string().regex(/^0x[0-9a-fA-F]*$/).transform((text) => text.toLowerCase() as Hex);
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,13}$/).transform(Number);
export const logSchema = z.object({ address: hex, topics: z.array(hex).min(1).max(4), data: hex, blockNumber: quantity, blockHash: hex, logIndex: quantity, transactionHash: hex, blockTimestamp: quantity.optional().catch(undefined), removed: z.boolean().optional() });
export type RawLog = z.infer<typeof logSchema>;

/** What a log of ours says; undefined for what is not ours or cannot be read. `input`: of its transaction, where one was asked for. */
export function eventOf(log: RawLog, contracts: ContractAddresses, { atS, input }: { readonly atS: number; readonly input?: Hex }): ChainEvent | undefined {
  const contract = READ_CONTRACTS.find((name) => contracts[name].toLowerCase() === log.address);
  if (contract === undefined || log.removed === true) return undefined;
  try {
    const { eventName, args } = decodeEventLog({ abi: abis[contract], topics: log.topics as [Hex, ...Hex[]], data: log.data }) as { eventName: string | undefined; args: unknown };
    if (eventName === undefined || !(NAMES[contract] as readonly string[]).includes(eventName)) return undefined;
    const more = input === undefined ? {} : detailsOf(eventName, input);
    return { name: eventName, args: { ...(texts(args) as object), ...more }, block: log.blockNumber, position: log.logIndex, atS, tx: log.transactionHash } as ChainEvent;
  } catch {
    return undefined;
  }
}

/** Whose transaction says more than the event does. */
export const needsInput = ({ topics: [topic] }: RawLog): boolean => DETAILED.has(topic as Hex);
const DETAILED: ReadonlySet<Hex> = new Set([
  encodeEventTopics({ abi: abis.StakingContract, eventName: 'Slashed' })[0], encodeEventTopics({ abi: abis.Settlement, eventName: 'Claimed' })[0], encodeEventTopics({ abi: abis.Committee, eventName: 'VoteCommitted' })[0],
]);

function detailsOf(eventName: string, input: Hex): object {
  if (eventName === 'Slashed') return evidenceOf(input);
  if (eventName === 'VoteCommitted') return commitmentIn(input);
  try {
    const { functionName, args } = decodeFunctionData({ abi: abis.Settlement, data: input });
    if (functionName !== 'claim') return {};
    const { firstLayer, lastLayer, tokens } = args[0];
    return { layers: [firstLayer, lastLayer], tokens: Number(tokens) };
  } catch {
    return {};
  }
}

function commitmentIn(input: Hex): { commitment?: Hex } {
  try {
    const { functionName, args } = decodeFunctionData({ abi: abis.Committee, data: input });
    return functionName === 'commit' ? { commitment: args[2].toLowerCase() as Hex } : {};
  } catch {
    return {};
  }
}

function evidenceOf(input: Hex): { evidence: Evidence; sessionIds: readonly Hex[] } {
  try {
    const { functionName, args } = decodeFunctionData({ abi: [...abis.StakingContract, ...abis.Committee], data: input });
    if (functionName === 'slash') return decodeFault(args[1]);
    if (functionName === 'conclude') return { evidence: 'ruling', sessionIds: [args[0]] };
  } catch { /* through a contract that is not known here */ }
  return { evidence: 'unknown', sessionIds: [] };
}

/** Numbers as text, addresses and words in small letters. */
const texts = (value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return value.toLowerCase();
  if (Array.isArray(value)) return value.map(texts);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, texts(inner)]));
  return value;
};
