import type { Economy, EconomyTransaction, SumLedger } from '../../src-preload/bridge/index.ts';
import type { Texts } from '../language/index.ts';
import { decimalPoint, formatUnits, parseUnits, type AmountFault } from './units.ts';

type Status = EconomyTransaction['status'];
/** What waits for a decision, for the chain, or for its blocks. */
const UNDER_WAY: ReadonlySet<Status> = new Set(['asking', 'queued', 'sent', 'mined']);

export const isUnderWay = ({ status }: Pick<EconomyTransaction, 'status'>): boolean => UNDER_WAY.has(status);
/** Those that the owner agreed to and the chain has not. */
export const queuedOf = (transactions: readonly EconomyTransaction[]): number => transactions.filter(({ status }) => status === 'queued' || status === 'sent').length;

export type Blocked = keyof Texts['wallet']['blocked'];
interface Situation {
  readonly isOnline: boolean;
  readonly economy: Pick<Economy, 'link' | 'wallet' | 'waiting'>;
  readonly transactions: readonly Pick<EconomyTransaction, 'status'>[];
}

/** Why nothing can be asked for now; undefined where it can. `unlocked: false` for what needs no signature. */
export function blockedBy({ isOnline, economy: { link, wallet, waiting }, transactions }: Situation, { unlocked = true } = {}): Blocked | undefined {
  if (!isOnline) return 'offline';
  if (link.status !== 'ready') return link.status;
  if (wallet.status === 'none') return 'no-wallet';
  if (unlocked && wallet.status === 'locked') return 'locked';
  if (waiting > 0 || transactions.some(({ status }) => status === 'asking')) return 'deciding';
  return transactions.some(isUnderWay) ? 'pending' : undefined;
}

/** The same for a wallet of the browser: what the host's own wallet is about does not matter to it. */
export function blockedOutside({ isOnline, economy: { link, waiting }, isOnChain = true, isBusy, hasBegun = false }: OutsideSituation): Blocked | undefined {
  if (!isOnline) return 'offline';
  if (link.status !== 'ready') return link.status;
  if (!isOnChain) return 'outside-chain';
  if (isBusy) return waiting > 0 ? 'deciding' : 'outside-busy';
  return hasBegun ? 'outside-begun' : undefined;
}

interface OutsideSituation {
  readonly isOnline: boolean;
  readonly economy: Pick<Economy, 'link' | 'waiting'>;
  readonly isOnChain?: boolean;
  readonly isBusy: boolean;
  /** Something was begun, and is not known to be done. */
  readonly hasBegun?: boolean;
}

const DAY_S = 86_400;

/** Whole days, hours, minutes and seconds, rounded up: nothing is told to be over before it is. */
export function countdownOf(leftMs: number): Parameters<Texts['wallet']['countdown']>[0] {
  const left = Math.max(0, Math.ceil(leftMs / 1_000));
  return { days: Math.floor(left / DAY_S), hours: Math.floor(left / 3_600) % 24, minutes: Math.floor(left / 60) % 60, seconds: left % 60 };
}

export const isOver = ({ isMatured, releaseAtMs }: SumLedger['unbonding'][number], nowMs: number): boolean => isMatured || releaseAtMs <= nowMs;

export const unbondingSum = ({ unbonding }: Pick<SumLedger, 'unbonding'>): bigint => unbonding.reduce((sum, { amount }) => sum + BigInt(amount), 0n);

export type FormFault = AmountFault | 'liquid' | 'staked' | 'least' | 'rest';
export type Checked = { readonly units: bigint } | { readonly fault: FormFault; readonly text: string };
interface Form {
  readonly form: 'stake' | 'unstake';
  readonly typed: string;
  readonly ledger: Limits;
}
type Limits = Pick<SumLedger, 'liquid' | 'staked' | 'leastStake'>;

/** The amount of a form against the ledger, as the contract would judge it. */
export function checkAmount({ form, typed, ledger }: Form, texts: Texts['wallet']['faults']): Checked {
  const parsed = parseUnits(typed);
  if ('fault' in parsed) return { fault: parsed.fault, text: parsed.fault === 'malformed' ? texts.malformed(decimalPoint()) : texts[parsed.fault] };
  return form === 'stake' ? checkStake(parsed.units, ledger, texts) : checkUnstake(parsed.units, ledger, texts);
}

function checkStake(units: bigint, { liquid, staked, leastStake }: Limits, texts: Texts['wallet']['faults']): Checked {
  if (units > BigInt(liquid)) return { fault: 'liquid', text: texts.liquid(formatUnits(liquid).full) };
  const missing = BigInt(leastStake) - BigInt(staked);
  return units < missing ? { fault: 'least', text: texts.least(formatUnits(missing).full) } : { units };
}

function checkUnstake(units: bigint, { staked, leastStake }: Limits, texts: Texts['wallet']['faults']): Checked {
  const rest = BigInt(staked) - units;
  if (rest < 0n) return { fault: 'staked', text: texts.staked(formatUnits(staked).full) };
  return rest > 0n && rest < BigInt(leastStake) ? { fault: 'rest', text: texts.rest(formatUnits(leastStake).full) } : { units };
}

/** "0x1234…abcd": both ends, because whoever forges an address makes one end equal. */
export const shortHex = (hex: string): string => (hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`);

/** A name of the host's in the page's words; undefined where the page has none. */
export const wordFor = <T extends object>(words: T, name: string): string | undefined => (Object.hasOwn(words, name) ? String(words[name as keyof T]) : undefined);
