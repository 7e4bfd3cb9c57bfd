import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLogger } from '../../src-main/base/index.ts';
import { askOwner, startControlServer } from '../../src-main/api/index.ts';
import type { Hex } from '../../src-main/chain/index.ts';
import { newAccount, newNode } from '../../src-main/chain/testing/index.ts';
import { loadOwner, type EconomyTransaction } from '../../src-main/host/index.ts';
import { CaseGround, DAY_S, SESSION_S, STAKE, type Home } from '../support/case-ground.ts';
import { startCliSource } from '../support/cli.ts';
import { ScriptedHost } from '../support/scripted-host.ts';

// What proves a node's fault, and what a committee rules about doubted work, by what an owner's commands ask of a host: over a real chain with several homes on it.

let ground: CaseGround;
/** The payer, who finds and doubts. */
let finder: Home;
/** The owner of the first candidate. */
let member: Home;

beforeAll(async () => {
  ground = await CaseGround.start();
  finder = await ground.home('finder', ground.chain.account, newNode());
  member = await ground.home('member', ground.candidates[0]!.account, ground.candidates[0]!.node);
}, 120_000);
afterAll(() => ground?.stop());

const about = (index: 0 | 1) => ({ session: ground.sessionId.slice(0, 14), node: ground.accused[index].nodeId.slice(0, 14) });
const caseOf = (index: 0 | 1) => ({ sessionId: ground.sessionId, nodeId: ground.accused[index].nodeId });
/** Whether a committee can be asked about the window that was found wrong. */
const doubtable = async () => (await finder.owner.faults({})).wrongWork[0]?.doubt;
const liquid = async ({ owner }: Home): Promise<bigint> => BigInt((await owner.ledger({})).liquid);

it('a proof is listed with what it is worth, saved, and brought by somebody else', async () => {
  const { faultNamed, readFault, saveFault, slashOf } = await loadOwner();
  expect(await finder.owner.faults({})).toEqual({ faults: [], wrongWork: [] });
  await ground.bookFault(finder.home);
  await ground.keepWrong(finder.home);
  const server = await startControlServer({ host: Object.assign(new ScriptedHost(), { owner: finder.owner }), metrics: { contentType: 'text/plain', text: () => Promise.resolve('') }, home: finder.home, logger: silentLogger });
  const { faults, wrongWork } = await askOwner(finder.home, new AbortController().signal, { name: 'faults', input: {} });
  const [first] = ground.accused;
  expect(faults).toMatchObject([{ sessionId: ground.sessionId, nodeId: first.nodeId, kind: 'contradiction', standing: { kind: 'open', cut: String(STAKE / 2n), reward: String(STAKE / 40n) } }]);
  expect(wrongWork).toMatchObject([{ ...caseOf(0), layers: [0, 2], first: 0, count: 8, isBilled: false, file: expect.stringContaining(finder.home), doubt: { kind: 'soon', fromMs: expect.any(Number) } }]);
  expect(await askOwner(finder.home, new AbortController().signal, { name: 'committee', input: { isAll: true } })).toMatchObject({ cases: [], candidates: 0, isEnlisted: false, owed: '0' });
  await expect(askOwner(finder.home, new AbortController().signal, { name: 'ask', input: { op: 'openCase', ...about(0), evidence: 'e' } })).rejects.toMatchObject({ code: 'COMMITTEE_NOT_ENDED', next: expect.any(String) });
  const [listed, refused] = await Promise.all([['slash-evidence', '--json'], ['committee', 'open', about(0).session, about(0).node, '--evidence', 'e', '--json']].map((args) => startCliSource(args, { OMNINODE_HOME: finder.home }).done));
  expect([listed?.code, JSON.parse(listed?.stdout ?? '')]).toEqual([0, { faults, wrongWork, slashes: [] }]);
  expect([refused?.code, JSON.parse(refused?.stdout ?? '')]).toMatchObject([2, { error: { code: 'COMMITTEE_NOT_ENDED' } }]);
  await server.stop();

  const path = await saveFault(faultNamed(faults, first.nodeId.slice(0, 10)), finder.home, { isOverwriting: false });
  await expect(saveFault(faults[0]!, path, { isOverwriting: false })).rejects.toMatchObject({ code: 'HOST_FILE_EXISTS', meta: { path } });
  const slash = await readFault(path);
  expect(slash).toEqual(slashOf(faults[0]!));
  await expect(member.owner.ask({ ...slash, place: { ...slash.place!, chainId: 5 } })).rejects.toMatchObject({ code: 'ECONOMY_OTHER_CHAIN', meta: { chainId: 5 } });
  await expect(member.owner.ask({ ...slash, nodeId: ground.accused[1].nodeId })).rejects.toMatchObject({ code: 'ECONOMY_NO_FAULT', message: expect.stringContaining('its bills are of another node') });
  await expect(member.owner.ask({ ...slash, proof: '0x12' })).rejects.toMatchObject({ code: 'ECONOMY_NO_FAULT' });
  const { id, lines } = await member.owner.ask(slash);
  expect(lines.join('\n')).toContain(`(two different bills that the node signed for one session: ${ground.sessionId})`);
  await member.owner.decide({ id, isApproved: false });
  const before = await liquid(member);
  expect(await ground.order(member, slash)).toBe('confirmed');
  expect(await liquid(member) - before).toBe(STAKE / 40n);

  await expect(finder.owner.ask(slash)).rejects.toMatchObject({ code: 'ECONOMY_PUNISHED', meta: { cut: '2500', atMs: expect.any(Number) } });
  expect((await finder.owner.faults({})).faults).toMatchObject([{ standing: { kind: 'punished', slash: { cut: String(STAKE / 2n), reporter: member.account.address.toLowerCase() } } }]);
}, 60_000);

it('a case goes from doubt to ruling: the wrong node is cut and its claim refused, the right one gets the bond', async () => {
  const { chain } = ground.chain;
  const doubt = { op: 'openCase', ...about(0), evidence: 'receipts: https://example.org/r\u{202e}1' } as const;
  await expect(finder.owner.ask(doubt)).rejects.toMatchObject({ code: 'COMMITTEE_NOT_ENDED' });
  await expect(finder.owner.ask({ op: 'enlist' })).rejects.toMatchObject({ code: 'COMMITTEE_NOT_OWNER' });
  expect(await ground.order(member, { op: 'enlist' })).toBe('confirmed');
  await expect(member.owner.ask({ op: 'enlist' })).rejects.toMatchObject({ code: 'COMMITTEE_ENLISTED' });
  const vouched = await ground.vouched();
  const settlers = ([0, 1] as const).map((index) => ground.settlerOf(index, vouched));
  await chain.travel(SESSION_S);
  expect(await doubtable()).toEqual({ kind: 'open', untilMs: expect.any(Number) });
  await expect(finder.owner.ask(doubt)).rejects.toMatchObject({ code: 'COMMITTEE_TOO_FEW_CANDIDATES', meta: { candidates: 1, least: 5 } });
  const others = ground.candidates.slice(1);
  await Promise.all(others.map(({ account, node: { nodeId } }) => ground.act(account, { op: 'enlist', nodeId })));
  await expect(finder.owner.ask({ ...doubt, evidence: 'x'.repeat(1_025) })).rejects.toMatchObject({ code: 'COMMITTEE_EVIDENCE_TOO_LONG' });
  await expect(finder.owner.ask({ ...doubt, session: '0x0000' })).rejects.toMatchObject({ code: 'COMMITTEE_UNKNOWN_SESSION' });
  await expect(finder.owner.ask({ ...doubt, node: '0x0000' })).rejects.toMatchObject({ code: 'COMMITTEE_UNKNOWN_NODE', next: expect.stringContaining(ground.accused[0].nodeId) });
  await expect(finder.owner.ask({ op: 'draw', ...about(0) })).rejects.toMatchObject({ code: 'COMMITTEE_NO_CASE' });

  const { id, lines } = await finder.owner.ask(doubt);
  expect(lines.join('\n')).toMatch(/SumToken\.approve[^]*\(200 SUM\)[^]*Committee\.openCase[^]*\("receipts: https:\/\/example\.org\/r\\u\{202e\}1"\)[^]*tried {6}succeeds\nspends {5}200 SUM$/);
  await finder.owner.decide({ id, isApproved: false });
  const rich = await liquid(finder);
  expect(await ground.order(finder, doubt)).toBe('confirmed');
  expect(rich - await liquid(finder)).toBe(parseEther('200'));
  expect(await doubtable()).toEqual({ kind: 'case' });
  await expect(finder.owner.ask(doubt)).rejects.toMatchObject({ code: 'COMMITTEE_EXISTS' });
  expect(await ground.order(finder, { ...doubt, ...about(1) })).toBe('confirmed');
  await expect(member.owner.ask({ op: 'delist' })).rejects.toMatchObject({ code: 'COMMITTEE_DRAWS_DUE', meta: { draws: 2 } });
  await expect(member.owner.ask({ op: 'draw', ...about(1) })).rejects.toMatchObject({ code: 'COMMITTEE_BLOCKS_TO_GO' });
  await expect(member.owner.ask({ op: 'vote', ...about(0), isWrong: true })).rejects.toMatchObject({ code: 'COMMITTEE_NOT_DRAWN' });
  for (let block = 0; block < 5; block++) await chain.travel(1);
  expect(await ground.order(member, { op: 'draw', ...about(0) })).toBe('confirmed');
  expect(await ground.order(member, { op: 'draw', ...about(1) })).toBe('confirmed');
  await expect(member.owner.ask({ op: 'draw', ...about(1) })).rejects.toMatchObject({ code: 'COMMITTEE_DRAWN' });
  expect(await ground.order(member, { op: 'addEvidence', ...about(0), evidence: 'more' })).toBe('confirmed');

  // Voted, thought better of, and the process is gone before it is opened.
  await expect(finder.owner.ask({ op: 'vote', ...about(0), isWrong: true })).rejects.toMatchObject({ code: 'COMMITTEE_NOT_MEMBER' });
  expect(await ground.order(member, { op: 'vote', ...about(0), isWrong: false })).toBe('confirmed');
  expect(await ground.order(member, { op: 'vote', ...about(0), isWrong: true })).toBe('confirmed');
  await member.owner.decide({ id: (await member.owner.ask({ op: 'vote', ...about(0), isWrong: false })).id, isApproved: false });
  expect(await ground.order(member, { op: 'vote', ...about(1), isWrong: false })).toBe('confirmed');
  await Promise.all(others.map(async ({ account }, index) => {
    await ground.act(account, { op: 'vote', ...caseOf(0), isWrong: index < 3 });
    await ground.act(account, { op: 'vote', ...caseOf(1), isWrong: index > 2 });
  }));
  await expect(member.owner.ask({ op: 'reveal', ...about(0) })).rejects.toMatchObject({ code: 'COMMITTEE_VOTES_STILL' });
  await expect(member.owner.ask({ op: 'conclude', ...about(0) })).rejects.toMatchObject({ code: 'COMMITTEE_NOT_OVER' });
  const seen = await member.owner.committee({ isAll: false });
  expect(seen).toMatchObject({ isEnlisted: true, candidates: 5, owed: '0', cases: [{ nodeId: ground.accused[1].nodeId }, {
    roles: ['member'], phase: 'vote', votes: 5, opened: 0, ownVote: 'hidden', acts: ['vote', 'addEvidence'], evidence: [{ text: 'receipts: https://example.org/r\\u{202e}1' }, { text: 'more', by: member.account.address.toLowerCase() }],
  }] });
  await expectSecret(member);
  await ground.reopen(member, ground.candidates[0]!.node);

  await chain.travel(DAY_S);
  for (const index of [0, 1] as const) expect(await ground.order(member, { op: 'reveal', ...about(index) })).toBe('confirmed');
  await expect(member.owner.ask({ op: 'reveal', ...about(0) })).rejects.toMatchObject({ code: 'COMMITTEE_OPENED' });
  await expect(member.owner.ask({ op: 'vote', ...about(0), isWrong: true })).rejects.toMatchObject({ code: 'COMMITTEE_VOTES_OVER' });
  await Promise.all(others.map(async ({ account }) => {
    for (const index of [0, 1] as const) await ground.act(account, { op: 'reveal', ...caseOf(index) });
  }));
  // The session is final, and the cases are open: neither node claims, nor gives up.
  for (const { settle, state } of settlers) for (let look = 0; look < 6; look++) await settle().then(() => expect(state()).toBe('closed'));
  expect(await finder.owner.committee({ isAll: false })).toMatchObject({ cases: [{ opened: 5, wrong: 1, acts: ['conclude'] }, { roles: ['challenger'], opened: 5, wrong: 4, acts: ['conclude'] }] });

  // Of what the contradiction left, a fifth; a twentieth of that is for who brings it. A node's estimate is enough for the ruling, and too little for its slash, which anybody brings later.
  const cut = STAKE / 2n / 5n;
  await ground.actAsEstimated(others[0]!.account, { op: 'conclude', ...caseOf(0) });
  expect((await finder.owner.committee({ isAll: false })).cases[1]).toMatchObject({ phase: 'upheld', isSlashDue: true, acts: ['conclude'] });
  const poorer = await liquid(finder);
  expect(await ground.order(finder, { op: 'conclude', ...about(0) })).toBe('confirmed');
  expect(await liquid(finder) - poorer).toBe(cut / 20n);
  expect(await ground.order(finder, { op: 'conclude', ...about(1) })).toBe('confirmed');
  const [{ steps: [concluded] }] = (await finder.owner.transactions({})).transactions as [EconomyTransaction];
  expect((await chain.client.getTransaction({ hash: concluded?.hash as Hex })).gas).toBeGreaterThanOrEqual(600_000n);
  expect(await stakes()).toEqual([STAKE / 2n - cut, STAKE]);
  expect((await chain.slashes())[0]).toMatchObject({ evidence: 'ruling', cut, sessionIds: [ground.sessionId] });
  expect(await finder.owner.committee({ isAll: false })).toMatchObject({ owed: String(parseEther('190')), cases: [{ phase: 'dismissed', isSlashDue: false, acts: [] }, { phase: 'upheld', isSlashDue: false, acts: [] }] });
  const then = await liquid(finder);
  expect(await ground.order(finder, { op: 'takeOwed' })).toBe('confirmed');
  expect(await liquid(finder) - then).toBe(parseEther('190'));
  expect(await chain.committee({ nodeId: ground.accused[1].nodeId, account: ground.accusedAccount.address, isAll: false })).toMatchObject({ owed: parseEther('190'), cases: [{ roles: ['accused'] }, { roles: ['accused'] }] });
  await expect(finder.owner.ask({ op: 'takeOwed' })).rejects.toMatchObject({ code: 'COMMITTEE_NOTHING_OWED' });
  expect(await member.owner.committee({ isAll: false })).toMatchObject({ owed: String(parseEther('4')) });
  expect(await ground.order(member, { op: 'takeOwed' })).toBe('confirmed');
  await ground.act(ground.accusedAccount, { op: 'takeOwed' });
  await expect(ground.order(finder, { op: 'conclude', ...about(0) })).rejects.toMatchObject({ code: 'COMMITTEE_CLOSED', meta: { standing: 'upheld' } });

  await expect(vouched.claim(0)).rejects.toMatchObject({ code: 'CHAIN_REVERTED', meta: { error: 'WasRefused' } });
  for (const { settle } of settlers) await settle();
  expect(settlers.map(({ state }) => state())).toEqual(['done', 'closed']);
  const closed = (): Promise<boolean[]> => Promise.all(ground.accused.map(async ({ nodeId }) => (await ground.pay.share(ground.sessionId, nodeId)).isClosed));
  expect(await closed()).toEqual([false, true]);
  // What the wrong node would have had, and what the other did not need, is the payer's again.
  const last = await liquid(finder);
  await ground.settlePayer(finder.home);
  expect([await closed(), await liquid(finder) - last]).toEqual([[true, true], parseEther('19.9')]);
  await expect(finder.owner.ask(doubt)).rejects.toMatchObject({ code: 'COMMITTEE_FINAL' });
}, 120_000);

it('refuses files that are none, and names that fit none or several', async () => {
  const { faultNamed, readFault } = await loadOwner();
  const path = join(finder.home, 'bad.json');
  await expect(readFault(path)).rejects.toMatchObject({ code: 'HOST_NO_FAULT_FILE' });
  await expect(readFault(finder.home)).rejects.toMatchObject({ code: 'HOST_BAD_FAULT_FILE' });
  for (const text of ['', '{}', 'x'.repeat(70_000), JSON.stringify({ version: 2, nodeId: ground.sessionId, proof: '0x12' }), JSON.stringify({ version: 1, nodeId: '0x12', proof: '0x12' })]) {
    await writeFile(path, text);
    await expect(readFault(path)).rejects.toMatchObject({ code: 'HOST_BAD_FAULT_FILE', meta: { path } });
  }
  const { faults: [fault] } = await finder.owner.faults({});
  expect(() => faultNamed([fault!], '0xffff')).toThrow(expect.objectContaining({ code: 'HOST_NO_FAULT' }) as Error);
  const two = [fault!, { ...fault!, nodeId: ground.accused[1].nodeId }];
  expect(() => faultNamed(two)).toThrow(expect.objectContaining({ code: 'HOST_MANY_FAULTS' }) as Error);
  expect(faultNamed(two, ground.sessionId, ground.accused[1].nodeId)).toBe(two[1]);
  const poor = await ground.home('poor', newAccount(), newNode());
  await expect(poor.owner.ask({ op: 'takeOwed' })).rejects.toMatchObject({ code: 'COMMITTEE_NOTHING_OWED' });
  expect(await poor.owner.committee({ isAll: false })).toMatchObject({ cases: [] });
  expect((await poor.owner.committee({ isAll: true })).cases).toHaveLength(2);
});

/** With what is unbonding. */
const stakes = (): Promise<bigint[]> => Promise.all(ground.accused.map(async ({ nodeId }) => {
  const { staked, unbonding } = await ground.chain.chain.ledger({ nodeId, account: ground.accusedAccount.address });
  return unbonding.reduce((sum, { amount }) => sum + amount, staked);
}));

/** What opens a vote lies in files of its own, for the owner alone. */
async function expectSecret({ home }: Home): Promise<void> {
  const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const votes = files.filter(({ parentPath }) => parentPath.endsWith('votes'));
  expect(votes).toHaveLength(2);
  for (const { parentPath, name } of votes) {
    const path = join(parentPath, name);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { salt } = JSON.parse(await readFile(path, 'utf8')) as { salt: string };
    for (const file of files.filter((one) => one.name !== name)) expect((await readFile(join(file.parentPath, file.name), 'latin1')).includes(salt.slice(2)), file.name).toBe(false);
  }
}
