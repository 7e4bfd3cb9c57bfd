export { earningsOf, type ChainEarnings, type ChainSession } from './earnings.ts';
export { EventIndex } from './event-index.ts';
export { faultStanding, type FaultStanding } from './fault-standing.ts';
export { readLedger, type ChainLedger, type LedgerOf } from './ledger.ts';
export { sessionsOf, type PaidSessionState } from './sessions.ts';
export { slashesOf, type ChainSlash } from './slashes.ts';
