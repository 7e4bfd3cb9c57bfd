import { defineErrors, spec, utcMinute } from '../../base/index.ts';

type At = { readonly atMs: number };

/** What the committee's contract refuses, and what names no case: each with what can be done now. */
export const committeeErrors = defineErrors('COMMITTEE', {
  unknownSession: spec<{ name: string }>({ fault: 'user', message: (m) => `no paid session on this chain begins with ${m.name}`, next: 'Take its id from `omninode rewards --json`, or wait until the session is in a block that lasts.' }),
  unknownNode: spec<{ name: string; nodes: readonly string[] }>({ fault: 'user', message: (m) => `no node of that session is ${m.name}`, next: (m) => `Name one of its nodes: ${m.nodes.join(', ')}.` }),
  ambiguous: spec<{ name: string; candidates: readonly string[] }>({ fault: 'user', message: (m) => `${m.name} begins ${m.candidates.length} ids`, next: (m) => `Write more of it: ${m.candidates.slice(0, 4).join(', ')}${m.candidates.length > 4 ? ', ...' : ''}.` }),
  noCase: spec<{ sessionId: string; nodeId: string }>({ fault: 'user', message: () => 'nobody doubts this node\'s work in that session: there is no case', next: 'Open one with `omninode committee open`, or look at `omninode committee status --all`.' }),
  closed: spec<{ standing: string }>({ fault: 'user', message: (m) => `this case is over: ${m.standing}`, next: 'Look at `omninode committee status` for what is owed to you.' }),
  exists: spec<Record<string, never>>({ fault: 'user', message: () => 'there is a case about this node and session already, and there is only ever one', next: 'Add what you know with `omninode committee evidence`, while votes are taken.' }),
  notEnded: spec<At>({ fault: 'user', retryable: true, message: (m) => `the session goes on until ${utcMinute(m.atMs)} UTC; work is doubted after its end`, next: 'Open the case then; you have a day for it.' }),
  final: spec<At>({ fault: 'user', message: (m) => `the session has been final since ${utcMinute(m.atMs)} UTC: its work cannot be doubted any more`, next: 'Doubt work within a day after the end of its session.' }),
  tooFewCandidates: spec<{ candidates: number; least: number }>({
    fault: 'user', retryable: true, message: (m) => `${m.candidates} nodes have enlisted for committees, ${m.least} are needed`, next: 'Ask owners of staked nodes to run `omninode committee enlist`.',
  }),
  noBond: spec<{ bond: string; liquid: string }>({ fault: 'user', message: (m) => `a case takes a bond of ${m.bond} SUM, and the account has ${m.liquid}`, next: 'Get more SUM, or leave the case to somebody who has it.' }),
  evidenceTooLong: spec<{ sizeBytes: number; limitBytes: number }>({ fault: 'user', message: (m) => `the evidence has ${m.sizeBytes} bytes, ${m.limitBytes} are taken`, next: 'Put it where members can read it, and give the address.' }),
  notOwner: spec<{ nodeId: string; account: string }>({ fault: 'user', message: (m) => `the node ${m.nodeId} does not belong to ${m.account}`, next: 'Stake for it with this account, or ask the owner of the node.' }),
  notActive: spec<{ nodeId: string }>({ fault: 'user', message: (m) => `the node ${m.nodeId} has less than the least stake`, next: 'Stake 1,000 SUM or more: `omninode stake 1000`.' }),
  enlisted: spec<{ nodeId: string }>({ fault: 'user', message: (m) => `the node ${m.nodeId} is enlisted already`, next: 'Nothing is left to do: `omninode committee status` says when a case is yours.' }),
  notEnlisted: spec<{ nodeId: string }>({ fault: 'user', message: (m) => `the node ${m.nodeId} is not enlisted`, next: 'Nothing is left to do.' }),
  othersNode: spec<{ nodeId: string }>({ fault: 'user', message: (m) => `the node ${m.nodeId} is active and not yours`, next: 'Only its owner takes it off the list while it is active.' }),
  drawsDue: spec<{ draws: number }>({ fault: 'user', retryable: true, message: (m) => `${m.draws} ${m.draws === 1 ? 'committee is' : 'committees are'} still to be drawn, and until then nobody leaves the list`, next: 'Draw them (`omninode committee status --all`), then ask again.' }),
  blocksToGo: spec<{ block: string; head: string }>({
    fault: 'user', retryable: true, message: (m) => `the committee is drawn by the hash of block ${m.block}, which is not in the past yet; the chain is at ${m.head}`,
    next: 'Ask again after that block. On the local test chain each transaction makes a block, and every five minutes does.',
  }),
  notDrawn: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'the committee is not drawn yet', next: 'Draw it: `omninode committee draw`. Anybody may.' }),
  drawn: spec<Record<string, never>>({ fault: 'user', message: () => 'the committee is drawn already', next: 'Look at `omninode committee status --all` for its members.' }),
  drawOver: spec<At>({ fault: 'user', message: (m) => `nobody drew the committee until ${utcMinute(m.atMs)} UTC`, next: 'Conclude the case: the bond goes back to who opened it.' }),
  notMember: spec<{ account: string }>({ fault: 'user', message: (m) => `${m.account} has no seat on this committee`, next: 'Only members vote. Anybody adds evidence, draws and concludes.' }),
  votesOver: spec<At>({ fault: 'user', message: (m) => `votes were taken until ${utcMinute(m.atMs)} UTC`, next: 'If you voted, open your vote: `omninode committee reveal`.' }),
  evidenceOver: spec<At>({ fault: 'user', message: (m) => `evidence was taken until ${utcMinute(m.atMs)} UTC`, next: 'Nothing can be added to this case now.' }),
  votesStill: spec<At>({ fault: 'user', retryable: true, message: (m) => `votes are taken until ${utcMinute(m.atMs)} UTC, and opened in the day after`, next: 'Open yours then; it is kept here until then.' }),
  openingOver: spec<At>({ fault: 'user', message: (m) => `votes could be opened until ${utcMinute(m.atMs)} UTC`, next: 'Conclude the case: `omninode committee conclude`.' }),
  notVoted: spec<Record<string, never>>({ fault: 'user', message: () => 'this account did not vote in this case', next: 'Without a vote in time there is nothing to open.' }),
  noSalt: spec<{ folder: string }>({ fault: 'user', message: (m) => `the vote on the chain was not made with what is kept in ${m.folder}`, next: 'Open it from the home it was made in, or bring the file with its salt from there.' }),
  opened: spec<Record<string, never>>({ fault: 'user', message: () => 'this vote is open already', next: 'Wait for the others, then conclude: `omninode committee conclude`.' }),
  notOver: spec<At>({ fault: 'user', retryable: true, message: (m) => `the case goes on until ${utcMinute(m.atMs)} UTC, or until all five votes are open`, next: 'Conclude it then.' }),
  nothingOwed: spec<{ account: string }>({ fault: 'user', message: (m) => `nothing is owed to ${m.account}`, next: 'Bonds and fees are owed when a vote was opened or a case concluded.' }),
});
