import { parseEther } from 'viem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { layerCount } from '../../src-main/base/index.ts';
import type { Hex } from '../../src-main/chain/index.ts';
import type { Host } from '../../src-main/host/index.ts';
import { decides, PaidHosts, PRICE, Talk } from '../support/paid-hosts.ts';

/** Hosts of the whole app on one chain: three that compute for pay and are staked, one that wants pay without a stake and pays nobody, and one that pays. */
const TIMEOUT_MS = 240_000;
const DAY_S = 86_400;
const SESSION_S = 3_600;
const QUESTION = 'How does OmniNode split a model between machines, and who sees what?';

let hosts: PaidHosts;
let nodes: readonly Host[];
let poor: Host;
let payer: Host;
let accounts: readonly Hex[];

beforeAll(async () => {
  hosts = await PaidHosts.open();
  [poor, ...nodes] = await Promise.all(['poor', 'a', 'b', 'c'].map((name) => hosts.node(name))) as [Host, ...Host[]];
  accounts = await Promise.all(nodes.map((node) => hosts.fund(node)));
  await hosts.fund(poor);
  await Promise.all(nodes.map((node) => hosts.stake(node, 1_000)));
}, TIMEOUT_MS);
afterAll(() => hosts.stop());

const startPayer = (payUpTo: string): Promise<Host> => hosts.start('payer', { payUpTo, peers: [poor, ...nodes].map((node) => node.api.info().addresses[0]!) });
const statusOf = (host: Host) => expect.poll(() => host.api.status(), { timeout: 100_000 });
const balances = (): Promise<bigint[]> => Promise.all(accounts.map((account) => hosts.balance(account)));

it('an answer by three strangers is asked for, paid and settled in proportion to layers x tokens', async () => {
  payer = await startPayer('3');
  // Nobody looks for a wallet where it says so.
  await statusOf(payer).toMatchObject({ kind: 'error', code: 'HOST_WANT_PAY', meta: { code: 'WALLET_NONE', next: expect.stringContaining('wallet create') } });
  await statusOf(poor).toMatchObject({ kind: 'error', code: 'HOST_WANT_PAY', meta: { code: 'PAY_NOT_PAYING', next: expect.stringContaining('payUpTo') } });
  await hosts.fund(payer);
  await statusOf(payer).toMatchObject({ kind: 'ready' });
  // What it costs is known before anything is asked, and nobody decided anything.
  expect([payer.api.paying!(), payer.api.stages()]).toEqual([{ state: 'ahead', machines: 3, most: `${parseEther('3')}`, per1000: `${parseEther(PRICE) * 6n}` }, []]);

  const talk = new Talk(payer);
  const refuses = decides(payer, false);
  expect(await talk.ask(QUESTION, 40)).toMatchObject({ state: 'failed', content: '', error: { code: 'PAY_NOT_OPENED', message: expect.stringMatching(/^the 3 machines are not paid, .*: the owner refused$/) } });
  refuses.stop();
  await statusOf(payer).toMatchObject({ kind: 'ready' });

  const before = await balances();
  const approves = decides(payer);
  const { state, finish } = await talk.ask(QUESTION, 40);
  expect([state, approves.asked.length]).toEqual(['done', 1]);
  const [session] = payer.pay.paid!.book.sessions('payer', ['open']);
  expect(finish).toMatchObject({ tokens: 40, paid: { sessionId: session!.id } });
  expect(payer.api.paying!()).toMatchObject({ state: 'open', machines: 3, spent: finish!.paid!.soFar });
  expect(new Set(finish!.stages.map(({ peerId }) => peerId))).toEqual(new Set(nodes.map((node) => node.api.info().peerId)));

  // The wallet is locked after a restart: what is due is asked for all the same.
  await hosts.stopHost('payer');
  payer = await startPayer('0.6');
  for (const host of [payer, ...nodes]) decides(host);
  await hosts.settle([payer]);
  await hosts.sum.travel(SESSION_S + DAY_S);
  await hosts.settle([...nodes, payer]);
  const { book } = payer.pay.paid!;
  const shares = book.shares('payer', session!.id);
  expect(new Set(shares.map(({ tokens }) => tokens)).size).toBe(1);
  const due = nodes.map((node) => {
    const { layers, tokens } = shares.find(({ peer }) => peer === node.api.info().peerId)!;
    // A twentieth is burned.
    return parseEther(PRICE) * BigInt(layerCount(layers) * tokens) / 1_000n * 95n / 100n;
  });
  const now = await balances();
  expect(now.map((sum, index) => sum - before[index]!)).toEqual(due);
  expect(due.reduce((sum, one) => sum + one, 0n) * 100n / 95n).toBe(BigInt(finish!.paid!.soFar));
  expect(poor.pay.paid!.book.sessions()).toEqual([]);
}, TIMEOUT_MS);

it('a session with too little left for an answer is renewed before it; one that is spent amid an answer keeps what there is, and "Continue" goes on', async () => {
  await statusOf(payer).toMatchObject({ kind: 'ready' });
  const { asked } = decides(payer);
  const opened = (): string[] => asked.filter((id) => id.startsWith('pay/open/'));
  const talk = new Talk(payer);
  // 0.6 SUM are 200 tokens of all six layers.
  expect(await talk.ask(QUESTION, 30)).toMatchObject({ state: 'done' });
  expect(opened()).toHaveLength(1);
  expect(await new Talk(payer).ask(QUESTION, 130)).toMatchObject({ state: 'done', finish: { tokens: 130 } });
  expect(opened()).toHaveLength(2);

  const spent = await talk.ask('And then?', 700);
  expect(spent).toMatchObject({ state: 'failed', error: { code: 'PAY_SESSION_SPENT', message: 'the 0.6 SUM that were put aside for this session are spent', next: expect.stringContaining('Continue') } });
  expect([spent.content.length > 20, opened().length]).toEqual([true, 3]);
  const longer = await talk.goOn();
  expect(longer.content.startsWith(spent.content)).toBe(true);
  expect([longer.content.length > spent.content.length, opened().length]).toEqual([true, 4]);
  // Each was ended in agreement: its nodes signed their bills, and none was spent beyond what was put aside.
  const { book } = payer.pay.paid!;
  const closed = book.sessions('payer', ['closed']);
  expect(closed.length).toBeGreaterThanOrEqual(3);
  for (const { id } of closed) expect(book.shares('payer', id).map(({ nodeId, tokens }) => [tokens <= 200, book.bills('payer', id, nodeId).length])).toEqual([[true, 1], [true, 1], [true, 1]]);
}, TIMEOUT_MS);
