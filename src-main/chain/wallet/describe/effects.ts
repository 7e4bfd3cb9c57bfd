import { encodeAbiParameters, keccak256 } from 'viem';
import type { Call, Hex } from '../../types.ts';
import { ALL_SUM } from '../options.ts';
import type { DecodedCall, PaidSession, Warning } from '../types.ts';
import { contractAt, isSame, type Viewer } from './rows.ts';

const SESSION = [{ type: 'uint256' }, { type: 'address' }, { type: 'address' }, { type: 'bytes32' }] as const;

/** Committee.BOND: the call does not name it. */
const CASE_BOND = 200n * 10n ** 18n;

export interface ReadCall {
  readonly call: Call;
  readonly decoded: DecodedCall | undefined;
}

export interface Effects {
  /** SUM that may leave the account: sent, burned, taken, or let others take. */
  readonly spends: bigint;
  readonly sessions: readonly PaidSession[];
  readonly warnings: readonly Warning[];
}

/** What calls together do with the account's SUM, as far as their own words say. An approval and what is taken by it in the same batch count once. */
export function effectsOf(calls: readonly ReadCall[], viewer: Viewer): Effects {
  const spent = new Spent();
  const warnings = new Set<Warning>();
  const sessions: PaidSession[] = [];
  for (const { call, decoded } of calls) {
    if (call.value > 0n) warnings.add('sends-coins');
    if (decoded === undefined && call.data !== '0x') warnings.add('unknown-call');
    if (decoded === undefined) continue;
    if (isSame(call.to, viewer.network.contracts.SumToken)) readToken(decoded, { viewer, spent, warnings });
    else readOurs({ call, decoded }, { viewer, spent, sessions });
  }
  return { spends: spent.total < ALL_SUM ? spent.total : ALL_SUM, sessions, warnings: [...warnings] };
}

/** Per contract that takes, the larger of what was allowed and what is taken. */
class Spent {
  readonly #allowed = new Map<string, bigint>();
  readonly #taken = new Map<string, bigint>();
  #out = 0n;

  send(amount: bigint): void {
    this.#out += amount;
  }

  allow(spender: string, amount: bigint): void {
    add(this.#allowed, spender, amount);
  }

  take(spender: string, amount: bigint): void {
    add(this.#taken, spender, amount);
  }

  get total(): bigint {
    const spenders = new Set([...this.#allowed.keys(), ...this.#taken.keys()]);
    return [...spenders].reduce((sum, spender) => sum + larger(this.#allowed.get(spender) ?? 0n, this.#taken.get(spender) ?? 0n), this.#out);
  }
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const add = (amounts: Map<string, bigint>, who: string, amount: bigint): void => void amounts.set(who.toLowerCase(), (amounts.get(who.toLowerCase()) ?? 0n) + amount);
const bigints = ({ args }: DecodedCall): readonly bigint[] => args.map(({ value }) => value).filter((value) => typeof value === 'bigint');
const texts = ({ args }: DecodedCall): readonly string[] => args.map(({ value }) => value).filter((value) => typeof value === 'string');

function readToken(decoded: DecodedCall, { viewer, spent, warnings }: { readonly viewer: Viewer; readonly spent: Spent; readonly warnings: Set<Warning> }): void {
  const [amount = 0n] = bigints(decoded);
  const [first = '', second = ''] = texts(decoded);
  switch (decoded.name) {
    case 'transfer': case 'burn': return spent.send(amount);
    case 'transferFrom': case 'burnFrom': return isSame(first, viewer.own) ? spent.send(amount) : undefined;
    case 'approve': return readApproval({ spender: first, amount }, { viewer, spent, warnings });
    case 'permit': return isSame(first, viewer.own) ? readApproval({ spender: second, amount }, { viewer, spent, warnings }) : undefined;
    default: return undefined;
  }
}

function readApproval({ spender, amount }: { readonly spender: string; readonly amount: bigint }, { viewer, spent, warnings }: { readonly viewer: Viewer; readonly spent: Spent; readonly warnings: Set<Warning> }): void {
  spent.allow(spender, amount);
  if (amount >= ALL_SUM) warnings.add('unlimited-approval');
  if (amount > 0n && contractAt(viewer.network, spender) === undefined) warnings.add('stranger-approval');
}

function readOurs({ call, decoded }: { readonly call: Call; readonly decoded: DecodedCall }, { viewer: { network, own }, spent, sessions }: { readonly viewer: Viewer; readonly spent: Spent; readonly sessions: PaidSession[] }): void {
  const { StakingContract, Settlement, Committee } = network.contracts;
  if (isSame(call.to, Committee) && decoded.name === 'openCase') spent.take(call.to, CASE_BOND);
  if (isSame(call.to, StakingContract) && decoded.name === 'stake') spent.take(call.to, bigints(decoded)[0] ?? 0n);
  if (!isSame(call.to, Settlement) || decoded.name !== 'openSession') return;
  const [salt, , , caps] = decoded.args.map(({ value }) => value);
  if (typeof salt !== 'string' || !Array.isArray(caps)) return;
  spent.take(call.to, caps.filter((cap) => typeof cap === 'bigint').reduce((sum, cap) => sum + cap, 0n));
  sessions.push({ sessionId: keccak256(encodeAbiParameters(SESSION, [BigInt(network.chainId), Settlement, own, salt as Hex])), settlement: Settlement });
}
