import type { CaseAct, CasePhase } from './types.ts';

/** Committee's constants. */
export const SEATS = 5;
const REVEAL_PERIOD_S = 86_400;

/** ICommittee.Standing. */
export const STANDINGS = ['none', 'open', 'undecided', 'dismissed', 'upheld'] as const;
export type Standing = (typeof STANDINGS)[number];

/** Of `Committee.caseOf`, with the block it was read at. */
export interface CaseClock {
  readonly standing: Standing;
  readonly isDrawn: boolean;
  /** Unix seconds: of the draw, then of the votes. */
  readonly deadlineS: number;
  readonly drawBlock: number;
  readonly opened: number;
  readonly now: { readonly timeS: number; readonly block: number };
}

/** Where a case is by the chain's time, and until when. */
export function phaseOf({ standing, isDrawn, deadlineS, now: { timeS } }: CaseClock): { readonly phase: CasePhase; readonly untilMs?: number } {
  if (standing === 'undecided' || standing === 'dismissed' || standing === 'upheld') return { phase: standing };
  if (timeS < deadlineS) return { phase: isDrawn ? 'vote' : 'draw', untilMs: deadlineS * 1000 };
  const endS = isDrawn ? deadlineS + REVEAL_PERIOD_S : deadlineS;
  return { phase: timeS < endS ? 'reveal' : 'over', untilMs: endS * 1000 };
}

/** `seat`: the account has one, and how far its vote is. */
export function actsOf(clock: CaseClock, seat: { readonly vote?: 'hidden' | 'open' } | undefined): readonly CaseAct[] {
  switch (phaseOf(clock).phase) {
    case 'draw': return [...(clock.now.block > clock.drawBlock ? ['draw' as const] : []), 'addEvidence'];
    case 'vote': return [...(seat === undefined ? [] : ['vote' as const]), 'addEvidence'];
    case 'reveal': return [...(seat?.vote === 'hidden' ? ['reveal' as const] : []), ...(clock.opened === SEATS ? ['conclude' as const] : [])];
    case 'over': return ['conclude'];
    case 'undecided': case 'dismissed': case 'upheld': return [];
  }
}
