import type { Evidence } from '../settle/fault-proof.ts';
import type { Batch, Call, ChainNetwork, Hex } from '../types.ts';

/** What everybody may know of the wallet. */
export type WalletStanding =
  | { readonly status: 'none' }
  | {
    readonly status: 'locked' | 'ready';
    readonly address: Hex;
    readonly keeping: 'password' | 'sealed';
    /** 1e-18 SUM; null: no limit. Of the last 24 hours what was consented to. */
    readonly spend: { readonly perDayUnits: bigint | null; readonly todayUnits: bigint };
    readonly hasPhrase: boolean;
  };

export interface WalletEvents {
  changed: WalletStanding;
  /** What waits for a signature can go on. */
  unlocked: Hex;
}

/** Who asks for a signature. The name is shown as it is: bounded, without control characters. */
export interface Asker {
  readonly kind: 'page' | 'cli' | 'session' | 'api';
  readonly name: string;
}

export interface DecodedCall {
  readonly contract: string;
  readonly name: string;
  readonly args: readonly { readonly name: string; readonly type: string; readonly value: unknown }[];
}

/** What a call says; undefined where nobody here knows it. */
export type DecodeCall = (to: Hex, data: Hex) => DecodedCall | undefined;

/** What would happen now. */
export interface Simulation {
  readonly outcome: 'succeeds' | 'reverts' | 'unknown';
  /** Why it reverts, or could not be tried. */
  readonly reason?: string;
  /** Fees of all calls at most, wei. */
  readonly maxFeeWei: bigint;
}

/** A reason to look twice; all but the last two need the password, whatever the limit. */
export type Warning = 'unknown-call' | 'unlimited-approval' | 'stranger-approval' | 'sends-coins' | 'permit' | 'unknown-domain' | 'other-chain' | 'unreadable-message' | 'gives-node' | 'reverts' | 'not-simulated';

/** What is known of a value: an amount of SUM, words as bytes, what a proof of a fault is about, one of our contracts, the owner's own account. */
export type Note = { readonly kind: 'sum'; readonly amount: string } | { readonly kind: 'text'; readonly text: string } | { readonly kind: 'fault'; readonly evidence: Evidence; readonly sessionIds: readonly Hex[] } | { readonly kind: 'contract'; readonly name: string } | { readonly kind: 'own' };

/** One value, by the way to it: `caps[0]`. Control characters are written out. */
export interface Row {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  readonly note?: Note;
}

export interface ShownCall {
  readonly call: Call;
  readonly contract?: string;
  readonly name?: string;
  readonly rows: readonly Row[];
}

export type ShownChain = Pick<ChainNetwork, 'kind' | 'chainId' | 'name'>;

export interface BatchSubject {
  readonly kind: 'batch';
  readonly chain: ShownChain;
  readonly batch: Batch;
  readonly calls: readonly ShownCall[];
  /** SUM that may leave the account by it. */
  readonly spends: bigint;
  readonly simulation: Simulation;
  /** Paid sessions that it opens: vouchers for them are signed without asking again, up to what is put aside here. */
  readonly sessions: readonly PaidSession[];
  readonly warnings: readonly Warning[];
}

export interface PaidSession {
  readonly sessionId: Hex;
  readonly settlement: Hex;
}

export interface MessageSubject {
  readonly kind: 'message';
  readonly chain: ShownChain;
  readonly from: Hex;
  readonly bytes: Hex;
  /** Where all of it is readable. */
  readonly text?: string;
  readonly spends: bigint;
  readonly warnings: readonly Warning[];
}

export interface TypedSubject {
  readonly kind: 'typed';
  readonly chain: ShownChain;
  readonly from: Hex;
  readonly primaryType: string;
  /** EIP-712's, what is signed. */
  readonly hash: Hex;
  readonly domain: readonly Row[];
  readonly rows: readonly Row[];
  /** It is a voucher of our Settlement. */
  readonly isVoucher: boolean;
  /** SUM that it lets others take. */
  readonly spends: bigint;
  readonly warnings: readonly Warning[];
}

/** That the node's identity signs for an account of another wallet: from then on stake, pay and rewards of the node are that account's. */
export interface BindingSubject {
  readonly kind: 'binding';
  readonly chain: ShownChain;
  /** The account that gets the node. */
  readonly from: Hex;
  readonly nodeId: Hex;
  readonly peer: string;
  readonly registry: Hex;
  readonly nonce: bigint;
  /** What is signed, by the node's identity and not by the account's key. */
  readonly message: Hex;
  readonly spends: bigint;
  readonly warnings: readonly Warning[];
}

/** What a decision is about, all that is shown of it. */
export type Subject = BatchSubject | MessageSubject | TypedSubject | BindingSubject;

/** Why a decision needs the password. */
export type PasswordReason = 'locked' | 'over-limit' | 'warned';

/** Something that waits for the owner's decision. */
export interface Asked {
  readonly id: string;
  /** SHA-256 of all that is shown: a decision is bound to it. */
  readonly digest: string;
  readonly asker: Asker;
  readonly subject: Subject;
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
}

/** What an approval gives: a signature for what is signed at once, nothing for a batch, which is signed step by step. */
export interface Approval {
  readonly signature?: Hex;
}
