export type * from './types.ts';
export { readCommittee, type CasesOf } from './cases.ts';
export { committeeErrors } from './errors.ts';
export { caseNamed } from './named.ts';
export { planCommittee } from './plan-committee.ts';
export { VoteSalts } from './salts.ts';
