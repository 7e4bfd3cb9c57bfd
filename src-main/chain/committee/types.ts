import type { Hex } from '../types.ts';

/** Whose work in which paid session. */
export interface CaseOf {
  readonly sessionId: Hex;
  readonly nodeId: Hex;
}

/** What an account asks of the committee's contract. */
export type CommitteeOp =
  | { readonly op: 'enlist' | 'delist'; readonly nodeId: Hex }
  | (CaseOf & { readonly op: 'openCase' | 'addEvidence'; readonly evidence: string })
  | (CaseOf & { readonly op: 'draw' | 'reveal' | 'conclude' })
  | (CaseOf & { readonly op: 'vote'; readonly isWrong: boolean })
  | { readonly op: 'takeOwed' };

/** `over`: its time is, and anybody may conclude it. */
export type CasePhase = 'draw' | 'vote' | 'reveal' | 'over' | 'undecided' | 'dismissed' | 'upheld';
export type CaseRole = 'challenger' | 'accused' | 'member';
/** What the account may do now. */
export type CaseAct = 'addEvidence' | 'draw' | 'vote' | 'reveal' | 'conclude';

export interface CommitteeCase extends CaseOf {
  readonly roles: readonly CaseRole[];
  readonly phase: CasePhase;
  readonly openedAtMs: number;
  /** When the phase ends, by the chain's time; absent for a case that was concluded. */
  readonly untilMs?: number;
  /** The one whose hash draws; absent once it did. */
  readonly drawBlock?: number;
  readonly challenger: Hex;
  readonly accused: Hex;
  readonly members: readonly Hex[];
  /** Of the members: votes that were made, those that were opened, and those of them for "wrong". */
  readonly votes: number;
  readonly opened: number;
  readonly wrong: number;
  /** The account's own. */
  readonly ownVote?: 'hidden' | 'open';
  readonly evidence: readonly { readonly by: Hex; readonly text: string }[];
  /** Upheld, and the stake is not cut yet. */
  readonly isSlashDue: boolean;
  readonly acts: readonly CaseAct[];
}

/** What there is about committees for one account and node. 1e-18 SUM. */
export interface CommitteeNow {
  /** The chain's. */
  readonly atMs: number;
  readonly block: number;
  readonly owed: bigint;
  readonly bond: bigint;
  readonly candidates: number;
  readonly isEnlisted: boolean;
  readonly drawsDue: number;
  readonly cases: readonly CommitteeCase[];
}
