import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { parseEther } from 'viem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askOwner, type OwnerQuestion } from '../../src-main/api/index.ts';
import { layerCount, type PeerId } from '../../src-main/base/index.ts';
import type { Hex } from '../../src-main/chain/index.ts';
import type { Message } from '../../src-preload/bridge/index.ts';
import { askRunningHost, makeKey, type Host } from '../../src-main/host/index.ts';
import { nodeIdOf, PayBook, payBookPath } from '../../src-main/host/paid/index.ts';
import { CliRuns, servedUrl } from '../support/cli.ts';
import { decides, economyOf, PaidHosts, PRICE, Talk } from '../support/paid-hosts.ts';
import { QUIET_ENV } from '../support/real-host.ts';
import { PASSWORD } from '../support/wallet-ground.ts';

/** Hosts of the whole app on one chain: three that compute for pay and are staked, one that wants pay without a stake and pays nobody, and one that pays. */
const TIMEOUT_MS = 240_000;
const DAY_S = 86_400;
const SESSION_S = 3_600;
const QUESTION = 'How does OmniNode split a model between machines, and who sees what?';

const never = new AbortController().signal;
const runs = new CliRuns();
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
  for (const node of nodes) decides(node);
}, TIMEOUT_MS);
afterAll(async () => {
  await runs.stop();
  await hosts.stop();
});

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
  // Who stops the question waits for nothing, and nothing is asked of the owner any more.
  const { consents } = economyOf(payer);
  const stopped = talk.ask(QUESTION, 40);
  await expect.poll(() => consents.waiting().length, { timeout: 100_000 }).toBe(1);
  expect(payer.api.status()).toMatchObject({ kind: 'loading', step: { kind: 'paying', machines: 3, most: `${parseEther('3')}` } });
  await payer.api.conversations!.stop({ id: talk.id });
  expect(await stopped).toMatchObject({ state: 'done', content: '', finish: { finishReason: 'cancelled' } });
  await expect.poll(() => consents.waiting()).toEqual([]);
  await statusOf(payer).toMatchObject({ kind: 'ready' });

  const refuses = decides(payer, false);
  expect(await talk.ask(QUESTION, 40)).toMatchObject({ state: 'failed', content: '', error: { code: 'PAY_NOT_OPENED', message: expect.stringMatching(/^the 3 machines are not paid, .*: the owner refused$/) } });
  refuses.stop();
  await statusOf(payer).toMatchObject({ kind: 'ready' });

  const before = await balances();
  const approves = decides(payer);
  const { state, finish } = await talk.ask(QUESTION, 40);
  expect([state, approves.asked.length]).toEqual(['done', 1]);
  const [session] = payer.pay.paid!.book.sessions('payer', ['open']);
  expect(finish).toMatchObject({ tokens: expect.any(Number), paid: { soFar: expect.stringMatching(/^[1-9][0-9]*$/) } });
  expect(payer.api.paying!()).toMatchObject({ state: 'open', machines: 3, spent: finish!.paid!.soFar });
  expect(new Set(finish!.stages.map(({ peerId }) => peerId))).toEqual(new Set(nodes.map((node) => node.api.info().peerId)));

  // The wallet is locked after a restart: what is due is asked for all the same.
  await hosts.stopHost('payer');
  payer = await startPayer('0.75');
  decides(payer);
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

/** Two answers that begin together have room each, and not both. On a busy machine one may come so late that it gets a session of its own: then others are asked. */
async function outspent(): Promise<{ readonly talk: Talk; readonly answer: Message }> {
  for (let pair = 0; pair < 12; pair++) {
    const talks = [new Talk(payer), new Talk(payer)];
    const answers = await Promise.all(talks.map((talk) => talk.ask(QUESTION, 180)));
    const at = answers.findIndex(({ state, content }) => state === 'failed' && content !== '');
    if (at >= 0) return { talk: talks[at]!, answer: answers[at]! };
  }
  return expect.fail('no session was spent');
}

it('a session with too little left for an answer is renewed before it; one that is spent amid an answer keeps what there is, and "Continue" goes on', async () => {
  await statusOf(payer).toMatchObject({ kind: 'ready' });
  const { asked } = decides(payer);
  const opened = (): string[] => asked.filter((id) => id.startsWith('pay/open/'));
  // 0.75 SUM are 250 tokens of all six layers.
  expect(await new Talk(payer).ask(QUESTION, 30)).toMatchObject({ state: 'done' });
  expect(opened()).toHaveLength(1);
  expect(await new Talk(payer).ask(QUESTION, 190)).toMatchObject({ state: 'done' });
  expect(opened()).toHaveLength(2);

  const { talk, answer: spent } = await outspent();
  expect(spent).toMatchObject({ state: 'failed', error: { code: 'PAY_SESSION_SPENT', message: 'the 0.75 SUM that were put aside for this session are spent', next: expect.stringContaining('Continue') } });
  const before = opened().length;
  const longer = await talk.goOn(20);
  expect([longer.state, longer.content.startsWith(spent.content), longer.content.length > spent.content.length, opened().length]).toEqual(['done', true, true, before + 1]);
  // Each was ended in agreement: its nodes signed their bills, and none was spent beyond what was put aside.
  const { book } = payer.pay.paid!;
  const closed = book.sessions('payer', ['closed']);
  expect(closed.length).toBeGreaterThanOrEqual(2);
  for (const { id } of closed) expect(book.shares('payer', id).map(({ nodeId, tokens }) => [tokens <= 250, book.bills('payer', id, nodeId).length])).toEqual([[true, 1], [true, 1], [true, 1]]);
}, TIMEOUT_MS);

/** An answer that does not end by itself. */
const LONG = { type: 'json_schema', json_schema: { name: 'list', strict: true, schema: { type: 'array', items: { type: 'boolean' }, minItems: 400, maxItems: 400 } } } as const;

/** Whatever waits is approved by `omninode wallet decide`, or what is like it. */
async function approveNext(home: string): Promise<string> {
  const waiting = (): Promise<readonly OwnerQuestion[]> => askOwner(home, never, { name: 'waiting', input: {} }).then((found) => found.waiting, () => []);
  await expect.poll(waiting, { timeout: 100_000 }).not.toEqual([]);
  const [{ id, needsPassword, lines } = expect.fail('nothing waits')] = await waiting();
  expect(lines[0]).toContain('Paid sessions');
  await askOwner(home, never, { name: 'decide', input: { id, isApproved: true, ...(needsPassword ? { password: PASSWORD } : {}) } });
  return id;
}

it.runIf(process.platform !== 'win32')('a payer that is killed amid an answer settles out of its book when it is back, and sends nothing twice', async () => {
  // The nodes have room for one.
  await hosts.stopHost('payer');
  // What it left is over, too.
  await hosts.sum.travel(SESSION_S + DAY_S);
  for (let look = 0; look < 2; look++) await hosts.settle(nodes);
  const home = hosts.home('killed');
  const config = { chain: hosts.chain, chatOver: 'mesh', payUpTo: '9', peers: [poor, ...nodes].map((node) => node.api.info().addresses[0]!) };
  const account = await hosts.walletIn(home);
  await writeFile(join(home, 'config.json'), JSON.stringify(config));
  const { text: apiKey } = await makeKey(home, { name: 'a program', scopes: ['chat'], perMinute: 1_000 });
  const env = { ...QUIET_ENV, OMNINODE_HOME: home };
  const first = runs.start(['serve', '--json'], env);
  const client = new OpenAI({ apiKey, baseURL: `${new URL(await servedUrl(first)).origin}/v1`, maxRetries: 0 });
  await expect.poll(() => askRunningHost(home, never).then(({ status }) => status.kind, () => 'starting'), { timeout: 100_000 }).toBe('ready');
  const answer = client.chat.completions.create({ model: 'omni-guide', messages: [{ role: 'user', content: QUESTION }], stream: true, max_tokens: 900, response_format: LONG });
  const id = (await approveNext(home)).slice('pay/open/'.length) as Hex;
  const vouched = (): number[] => nodes.map((node) => node.pay.paid!.book.vouchers('node', id, nodeIdOf(node.api.info().peerId as PeerId)!)[0]?.tokens ?? 0);
  await expect((async () => {
    for await (const _ of await answer) if (Math.min(...vouched()) > 0) first.child.kill('SIGKILL');
  })()).rejects.toThrow();
  await first.done;

  const book = new PayBook(payBookPath(home));
  expect(book.session('payer', id)?.state).toBe('open');
  const known = book.shares('payer', id).map(({ nodeId }) => book.vouchers('payer', id, nodeId)[0]!.tokens);
  book.close();
  // One voucher every 64 tokens: no node has more than the payer signed.
  expect([Math.min(...vouched()) > 0, Math.max(...vouched()) <= Math.max(...known)]).toEqual([true, true]);

  const before = await balances();
  const second = runs.start(['serve', '--json'], env);
  await servedUrl(second);
  // The wallet is locked; the last voucher is posted once its owner says so.
  await approveNext(home);
  await expect.poll(() => hosts.sent(account), { timeout: 60_000 }).toBe(3);
  await hosts.sum.travel(SESSION_S + 60);
  await hosts.settle(nodes);
  await hosts.sum.travel(DAY_S);
  await hosts.settle(nodes);
  const now = await balances();
  const layersOf = (node: Host): number => layerCount(node.pay.paid!.book.shares('node', id)[0]!.layers);
  expect(now.map((sum, index) => sum - before[index]!)).toEqual(nodes.map((node, index) => parseEther(PRICE) * BigInt(layersOf(node) * vouched()[index]!) / 1_000n * 95n / 100n));
  expect(await hosts.sent(account)).toBe(3);
}, TIMEOUT_MS);
