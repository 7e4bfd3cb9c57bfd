import { expect, it } from 'vitest';
import type { CommitteeCaseInfo, CommitteeInfo, HeldFault, HeldWrongWork } from '../../../host/index.ts';
import { committeeView, faultsView, wrongWorkView } from './fault-views.ts';

const SUM = (amount: number): string => `${amount}${'0'.repeat(18)}`;
const word = (digit: string): string => `0x${digit.repeat(64)}`;
const account = (digit: string): string => `0x${digit.repeat(40)}`;
const fault: HeldFault = { sessionId: word('a'), nodeId: word('b'), kind: 'contradiction', chainId: 1, settlement: account('c'), proof: '0x12', standing: { kind: 'open', cut: SUM(500), reward: SUM(25) } };
const error = { code: 'CHAIN_DOWN', message: 'the chain does not answer', meta: {}, retryable: true, fault: 'local' } as const;

it('shows of each proof what it is worth, and how it is brought', () => {
  expect(faultsView([])).toBe('this home holds no proof against a node\n');
  expect(faultsView([fault])).toMatch(/^session 0xa{64}\n {2}node {7}0xb{64}\n {2}fault {6}two bills of one session\n {2}on chain {3}not punished: 500 SUM would be cut, 25 of it .*\n {2}bring it {3}omninode slash-evidence 0xaaaaaaaaaa 0xbbbbbbbbbb\n$/);
  const slash = { nodeId: word('b'), faultId: word('d'), atMs: Date.UTC(2026, 0, 2, 3, 4), block: 1, txHash: word('e'), cut: SUM(500), burned: SUM(475), reporter: account('f'), evidence: 'contradiction', sessionIds: [] } as const;
  const shown = (standing: HeldFault['standing']): string => /on chain {3}([^]*)\n$/.exec(faultsView([{ ...fault, standing }]))?.[1] ?? '';
  expect([{ kind: 'punished', slash } as const, { kind: 'punished' } as const, { kind: 'other-chain' } as const, { kind: 'refused', error } as const, { kind: 'unknown', error } as const, { kind: 'open', cut: '0', reward: '0' } as const].map(shown)).toEqual([
    'punished on 2026-01-02 03:04 UTC: 500 SUM were cut', 'punished already', 'for another chain or settlement than this node uses (chain 1)', 'the contracts do not take it: the chain does not answer',
    'not known: the chain does not answer [CHAIN_DOWN]', 'not punished, and the node has nothing staked\n  bring it   omninode slash-evidence 0xaaaaaaaaaa 0xbbbbbbbbbb',
  ]);
});

const wrong: HeldWrongWork = {
  sessionId: word('a'), nodeId: word('b'), peer: `12D3KooW${'a'.repeat(44)}`, layers: [2, 4], first: 32, count: 32, modelHash: 'c'.repeat(64), file: '/home/me/evidence/a.receipts.json',
  foundMs: Date.UTC(2026, 0, 2, 3, 4), isBilled: true, doubt: { kind: 'open', untilMs: Date.UTC(2026, 0, 3) },
};

it('shows of wrong work where it lies, how it is computed again, and whether a committee can be asked now', () => {
  expect(wrongWorkView([wrong])).toBe(`wrong work in session ${word('a')}
  node       ${word('b')} (${wrong.peer})
  window     layers 2-4, rows 32-63: computed again here on 2026-01-02 03:04 UTC, with another result
  bill       the node signed one over it
  again      omninode verify /home/me/evidence/a.receipts.json --model MODEL
  doubt it   omninode committee open 0xaaaaaaaaaa 0xbbbbbbbbbb --evidence "where the file lies", until 2026-01-03 00:00 UTC
`);
  expect(wrongWorkView([{ ...wrong, isBilled: false, file: '/my home/a.json' }])).toMatch(/the node signed none over it\n.*verify "\/my home\/a\.json" /);
  const shown = (doubt: HeldWrongWork['doubt']): string => /doubt it {3}(.*)\n$/.exec(wrongWorkView([{ ...wrong, doubt }]))?.[1] ?? '';
  expect([{ kind: 'soon', fromMs: 0 } as const, { kind: 'over' } as const, { kind: 'case' } as const, { kind: 'other-chain' } as const, { kind: 'unknown', error } as const].map(shown)).toEqual([
    'omninode committee open 0xaaaaaaaaaa 0xbbbbbbbbbb --evidence "where the file lies", for a day from the session\'s end on, 1970-01-01 00:00 UTC', 'not any more: the day after the session\'s end is over',
    'a case is about it: omninode committee status --all', 'its session is not on the chain that this node uses', 'not known: the chain does not answer [CHAIN_DOWN]',
  ]);
});

const now: CommitteeInfo = { atMs: 0, block: 7, account: account('1'), owed: '0', bond: SUM(200), candidates: 1, isEnlisted: true, drawsDue: 0, cases: [] };
const one: CommitteeCaseInfo = {
  sessionId: word('a'), nodeId: word('b'), roles: ['member'], phase: 'vote', openedAtMs: 0, untilMs: 7_200_000, challenger: account('2'), accused: account('3'), members: [account('1')], votes: 1, opened: 0, wrong: 0,
  ownVote: 'hidden', evidence: [{ by: account('2'), text: 'here' }], isSlashDue: false, acts: ['vote', 'addEvidence'],
};

it('shows cases with until when, and each thing that can be done as the command for it', () => {
  expect(committeeView(now, false)).toBe('this node is enlisted for committees; 1 node is\nnothing is owed to this account\nas of block 7, 1970-01-01 00:00 UTC by the chain\'s time\nno case concerns this account (--all shows those of others)\n');
  const { account: _, ...nobody } = now;
  expect(committeeView(nobody, true)).toMatch(/no wallet here[^]*there are no cases/);
  const text = committeeView({ ...now, owed: SUM(4), candidates: 6, cases: [one] }, false);
  expect(text).toMatch(/6 nodes are\n4 SUM are owed to this account: omninode committee withdraw\n/);
  expect(text).toMatch(/\n {2}you {8}have a seat\n {2}state {6}votes are taken, until 1970-01-01 02:00 UTC \(2 h\)\n {2}evidence {3}here \(by 0x2{40}\)\n {2}seats {6}1; 1 voted, 0 votes are open, 0 of them for "wrong"\n {2}your vote {2}is made, and hidden\n {2}you can {4}omninode committee vote 0xaaaaaaaaaa 0xbbbbbbbbbb right\|wrong\n/);
  const states = (['draw', 'reveal', 'over', 'undecided', 'dismissed', 'upheld'] as const).map((phase) => /state {6}(.*)\n/.exec(committeeView({ ...now, atMs: 7_140_000, cases: [{ ...one, phase, drawBlock: 9 }] }, false))?.[1]);
  expect(states).toEqual([
    'the committee is to be drawn, after block 9 and until 1970-01-01 02:00 UTC (1 min)', 'votes are opened, until 1970-01-01 02:00 UTC (1 min)', 'its time was over on 1970-01-01 02:00 UTC; it is to be concluded',
    'undecided: no three votes agree, the bond went back', 'dismissed: the node was right, the bond is its', 'upheld: the node was wrong, and lost a fifth of its stake',
  ]);
});
