import { utcMinute } from '../../../base/index.ts';
import type { CommitteeCaseInfo, CommitteeInfo, FaultStandingInfo, HeldFault, HeldWrongWork } from '../../../host/index.ts';
import { sumText } from '../../sum.ts';

/** What the commands about faults and committees show; pure. */

const KINDS: Readonly<Record<HeldFault['kind'], string>> = { contradiction: 'two bills of one session', 'double-claim': 'one work billed in two sessions', ruling: 'found wrong by a committee', unknown: 'of a kind that is not known here' };

const moment = (ms: number): string => `${utcMinute(ms)} UTC`;
/** Enough of an id to name it. */
const shortId = (id: string): string => id.slice(0, 12);
const block = (title: string, pairs: readonly (readonly [string, string])[]): string => `${[title, ...pairs.map(([name, value]) => `  ${name.padEnd(10)} ${value}`)].join('\n')}\n`;

export function faultsView(faults: readonly HeldFault[]): string {
  if (faults.length === 0) return 'this home holds no proof against a node\n';
  return faults.map(({ sessionId, nodeId, kind, standing, chainId }) => block(`session ${sessionId}`, [
    ['node', nodeId], ['fault', KINDS[kind]], ['on chain', standingText(standing, chainId)],
    ...(standing.kind === 'open' ? [['bring it', `omninode slash-evidence ${shortId(sessionId)} ${shortId(nodeId)}`] as const] : []),
  ])).join('\n');
}

function standingText(standing: FaultStandingInfo, chainId: number): string {
  switch (standing.kind) {
    case 'open': return standing.cut === '0' ? 'not punished, and the node has nothing staked' : `not punished: ${sumText(standing.cut)} SUM would be cut, ${sumText(standing.reward)} of it for who brings the proof`;
    case 'punished': return standing.slash === undefined ? 'punished already' : `punished on ${moment(standing.slash.atMs)}: ${sumText(standing.slash.cut)} SUM were cut`;
    case 'other-chain': return `for another chain or settlement than this node uses (chain ${chainId})`;
    case 'refused': return `the contracts do not take it: ${standing.error.message}`;
    case 'unknown': return `not known: ${standing.error.message} [${standing.error.code}]`;
  }
}

/** Windows of paid nodes; whether they are wrong is not proved by them alone. */
export const wrongWorkView = (wrongWork: readonly HeldWrongWork[]): string => wrongWork.map(({ sessionId, nodeId, peer, layers, first, count, file, foundMs, isBilled, doubt }) => block(`wrong work in session ${sessionId}`, [
  ['node', `${nodeId} (${peer})`], ['window', `layers ${layers.join('-')}, rows ${first}-${first + count - 1}: computed again here on ${moment(foundMs)}, with another result`],
  ['bill', isBilled ? 'the node signed one over it' : 'the node signed none over it'], ['again', `omninode verify ${quoted(file)} --model MODEL`],
  ['doubt it', doubtText(doubt, `omninode committee open ${shortId(sessionId)} ${shortId(nodeId)} --evidence "where the file lies"`)],
])).join('\n');

/** As terminals take it. */
const quoted = (path: string): string => (/^[\w./\\:-]+$/.test(path) ? path : `"${path}"`);

function doubtText(doubt: HeldWrongWork['doubt'], command: string): string {
  switch (doubt.kind) {
    case 'soon': return `${command}, for a day from the session's end on, ${moment(doubt.fromMs)}`;
    case 'open': return `${command}, until ${moment(doubt.untilMs)}`;
    case 'over': return 'not any more: the day after the session\'s end is over';
    case 'case': return 'a case is about it: omninode committee status --all';
    case 'other-chain': return 'its session is not on the chain that this node uses';
    case 'unknown': return `not known: ${doubt.error.message} [${doubt.error.code}]`;
  }
}

const ROLES: Readonly<Record<CommitteeCaseInfo['roles'][number], string>> = { challenger: 'opened it', accused: 'are the accused', member: 'have a seat' };

export function committeeView({ atMs, block: head, account, owed, candidates, isEnlisted, cases }: CommitteeInfo, isAll: boolean): string {
  const first = [
    `this node is ${isEnlisted ? 'enlisted' : 'not enlisted'} for committees; ${candidates} ${candidates === 1 ? 'node is' : 'nodes are'}`,
    account === undefined ? 'there is no wallet here: `omninode wallet create` makes one' : owed === '0' ? 'nothing is owed to this account' : `${sumText(owed)} SUM are owed to this account: omninode committee withdraw`,
    `as of block ${head}, ${moment(atMs)} by the chain's time`,
  ];
  if (cases.length === 0) return `${first.join('\n')}\n${isAll ? 'there are no cases\n' : 'no case concerns this account (--all shows those of others)\n'}`;
  return `${first.join('\n')}\n\n${cases.map((one) => caseView(one, atMs)).join('\n')}`;
}

function caseView(one: CommitteeCaseInfo, nowMs: number): string {
  const names = `${shortId(one.sessionId)} ${shortId(one.nodeId)}`;
  return block(`case of session ${one.sessionId}`, [
    ['node', one.nodeId], ['you', one.roles.length === 0 ? 'have no part in it' : one.roles.map((role) => ROLES[role]).join(', ')], ['state', phaseText(one, nowMs)],
    ...one.evidence.map(({ by, text }) => ['evidence', `${text} (by ${by})`] as const),
    ...(one.members.length === 0 ? [] : [['seats', `${one.members.length}; ${one.votes} voted, ${one.opened} votes are open, ${one.wrong} of them for "wrong"`] as const]),
    ...(one.ownVote === undefined ? [] : [['your vote', one.ownVote === 'open' ? 'is open' : 'is made, and hidden'] as const]),
    ...one.acts.map((act) => ['you can', `omninode committee ${COMMANDS[act](names)}`] as const),
  ]);
}

const COMMANDS: Readonly<Record<CommitteeCaseInfo['acts'][number], (names: string) => string>> = {
  addEvidence: (names) => `evidence ${names} TEXT`, draw: (names) => `draw ${names}`, vote: (names) => `vote ${names} right|wrong`, reveal: (names) => `reveal ${names}`, conclude: (names) => `conclude ${names}`,
};

function phaseText({ phase, untilMs = 0, drawBlock, isSlashDue }: CommitteeCaseInfo, nowMs: number): string {
  const until = `until ${moment(untilMs)} (${hoursText(untilMs - nowMs)})`;
  switch (phase) {
    case 'draw': return `the committee is to be drawn, after block ${drawBlock ?? 0} and ${until}`;
    case 'vote': return `votes are taken, ${until}`;
    case 'reveal': return `votes are opened, ${until}`;
    case 'over': return `its time was over on ${moment(untilMs)}; it is to be concluded`;
    case 'undecided': return 'undecided: no three votes agree, the bond went back';
    case 'dismissed': return 'dismissed: the node was right, the bond is its';
    case 'upheld': return `upheld: the node was wrong, ${isSlashDue ? 'its stake is still to be cut' : 'and lost a fifth of its stake'}`;
  }
}

const hoursText = (ms: number): string => (ms < 3_600_000 ? `${Math.max(1, Math.ceil(ms / 60_000))} min` : `${Math.floor(ms / 3_600_000)} h`);
