import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, defineChain, http, zeroHash, type Hex, type PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { economyHandlers } from '../../src-main/api/bridge/economy.ts';
import { asPeerId, silentLogger } from '../../src-main/base/index.ts';
import { billHash, bindingMessage, leafOf, sessionIdOf, type ChainConfig, type NodeSigner } from '../../src-main/chain/index.ts';
import { EconomyHost } from '../../src-main/host/economy/economy-host.ts';
import { ownerService } from '../../src-main/host/economy/owner-service.ts';
import { billOf, nodeSignerOf, PayBook, payBookPath, PayChain, type BookedShare, type PayHost } from '../../src-main/host/paid/index.ts';
import { NodeSettler } from '../../src-main/host/paid/node-settler.ts';
import { Steps } from '../../src-main/host/paid/steps.ts';
import { loadSigner } from '../../src-main/mesh/index.ts';
import { economyCommands } from '../../src-preload/bridge/economy-commands.ts';
import type { CommandInput, CommandName, Earnings, EconomyPlan } from '../../src-preload/bridge/index.ts';
import { accountOn } from '../support/sum-ground.ts';
import { CHEAP, PASSWORD } from '../support/wallet-ground.ts';

const SUM = 10n ** 18n;
const CONTRACTS = join(import.meta.dirname, '..', '..', 'resources', 'contracts');
const WORD: Hex = `0x${'5'.repeat(64)}`;

let home: string;
let host: EconomyHost;
let node: NodeSigner;
/** What the node keeps of paid sessions; the rest of pay is no part of this. */
let book: PayBook;
const open = async (config: ChainConfig = { kind: 'embedded', rpcPort: 0 }): Promise<void> => {
  node = nodeSignerOf(await loadSigner({ kind: 'file', path: join(home, 'identity.key') }));
  host = await EconomyHost.open({ config, home, contractsFolder: CONTRACTS, logger: silentLogger, node, pay: { paid: { book } } as unknown as PayHost, options: { chain: { canTravel: true, faucetPerDay: 100 }, wallet: { costForTests: CHEAP } } });
  await host.start();
};
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-external-'));
  book = new PayBook(payBookPath(home));
  await open();
});
afterEach(async () => {
  await host.stop();
  book.close();
  await rm(home, { recursive: true, force: true });
});

/** As the page's commands are run. */
const call = async <N extends CommandName & `economy.${string}`>(name: N, input: CommandInput<N>): Promise<unknown> => (economyHandlers(host) as Record<string, (input: unknown) => unknown>)[name]!(input);
const code = (promise: Promise<unknown>): Promise<string | undefined> => promise.then(() => undefined, (error: { code: string }) => error.code);
const newAccount = (): PrivateKeyAccount => privateKeyToAccount(generatePrivateKey());
/** The halves of what the node would sign for an account: Ed25519 signs the same alike each time. */
async function signedFor(account: Hex, nonce = 0n): Promise<readonly string[]> {
  const { network } = await host.chain();
  const text = Buffer.from(await node.sign(bindingMessage({ chainId: network.chainId, registry: network.contracts.NodeRegistry, owner: account, nonce }))).toString('hex');
  return [text.slice(0, 64), text.slice(64)];
}
const waitsForOne = () => expect.poll(() => host.consents.waiting().length).toBe(1);
/** As the document's form, or a terminal, does it. */
const decide = async (isApproved: boolean, password?: string): Promise<void> => {
  const { id, digest } = host.consents.current();
  await host.consents.decide({ id, digest, isApproved, ...(password === undefined ? {} : { password }) });
};
/** What an outside wallet does with a plan: each call when the one before is in a block. */
async function send(account: PrivateKeyAccount, { calls }: EconomyPlan): Promise<void> {
  const { network, client, publicRpc: [url] } = await host.chain();
  const chain = defineChain({ id: network.chainId, name: network.name, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url ?? ''] } } });
  const wallet = createWalletClient({ account, chain, transport: http(url) });
  for (const { to, data, value } of calls) {
    const hash = await wallet.sendTransaction({ to: to as Hex, data: data as Hex, value: BigInt(value) });
    expect((await client.waitForTransactionReceipt({ hash, pollingInterval: 50 })).status).toBe('success');
  }
}
const fund = async ({ address }: PrivateKeyAccount): Promise<void> => {
  const { id } = await call('economy.faucet', { account: address }) as { id: string };
  await (await host.chain()).outbox.settled(id);
};
const plan = (input: CommandInput<'economy.plan'>) => call('economy.plan', input) as Promise<EconomyPlan>;

it('signs for no account that the owner has not approved, whatever a page calls', async () => {
  const [thief, friend] = [newAccount(), newAccount()];
  await fund(thief);
  await fund(friend);
  const account = thief.address;
  const secret = await signedFor(account);
  const amount = String(1_500n * SUM);
  const asked: { [N in keyof typeof economyCommands]: readonly CommandInput<N>[] } = {
    'economy.get': [{}], 'economy.ledger': [{ account }], 'economy.earnings': [{ windowMs: 86_400_000, account }], 'economy.slashes': [{}], 'economy.transactions': [{}], 'economy.faucet': [{ account }], 'economy.bind': [{ account }, { account: account.toLowerCase() }],
    'economy.plan': [
      { op: 'stake', amount, account }, { op: 'stake', amount, account: account.toLowerCase() }, { op: 'stake', amount }, { op: 'unstake', amount, account }, { op: 'cancel', index: 0, account }, { op: 'withdraw', account }, { op: 'claim', account },
      ...(['collect', 'refund', 'post', 'reward'] as const).map((op) => ({ op, sessionId: WORD, account })), { op: 'transfer', to: account, amount, account },
    ],
    'wallet.request': [
      { method: 'personal_sign', params: ['0x61', account] }, { method: 'eth_signTypedData_v4', params: [account, '{}'] }, { method: 'eth_sendTransaction', params: [{ from: account, to: account }] }, { method: 'wallet_sendCalls', params: [{ from: account, calls: [] }] }, { method: 'omninode_bind', params: [account] },
    ],
    'wallet.show': [{ document: 'consent' }], 'wallet.lock': [{}],
  };
  const handlers = economyHandlers(host) as Record<string, (input: unknown) => unknown>;
  expect(Object.keys(handlers).sort()).toEqual(Object.keys(economyCommands).sort());
  const told = new Set<unknown>();
  const binding: Promise<unknown>[] = [];
  const callAll = async (): Promise<void> => {
    for (const [name, inputs] of Object.entries(asked)) for (const input of inputs) {
      const answer = Promise.resolve().then(() => handlers[name]!(input)).catch((error: Error) => error);
      if (name === 'economy.bind') binding.push(answer.then((end) => told.add(end)));
      else told.add(await answer);
    }
  };
  const text = (): string => JSON.stringify([...told], (_, value: unknown) => (value instanceof Error ? { ...value, message: value.message } : value)).toLowerCase();
  const expectNothing = (): void => { for (const half of secret) expect(text()).not.toContain(half); };
  await callAll();
  await callAll();
  // One question, however often and under whatever spelling it is asked; it is what a page cannot decide.
  expect(host.consents.waiting().map(({ subject }) => subject)).toMatchObject([{ kind: 'binding', from: account, nodeId: node.nodeId, spends: 0n, warnings: ['gives-node'] }]);
  expectNothing();
  await decide(false);
  await Promise.all(binding);
  expect(text()).toContain('wallet_refused');
  await expect(plan({ op: 'stake', amount, account })).rejects.toMatchObject({ code: 'ECONOMY_BINDING_NOT_APPROVED', meta: { account } });

  // What was approved for one says nothing of another; nor does a file that somebody else wrote.
  const forFriend = call('economy.bind', { account: friend.address });
  await waitsForOne();
  await decide(true);
  await forFriend;
  expect((await plan({ op: 'stake', amount, account: friend.address })).calls.map(({ what }) => what)).toEqual(['bind', 'approve', 'stake']);
  const path = join(home, 'chain', 'bindings.json');
  const { bindings: [kept] } = JSON.parse(await readFile(path, 'utf8')) as { bindings: [{ message: string; signature: string }] };
  await writeFile(path, JSON.stringify({ version: 1, bindings: [{ ...kept, message: kept.message.replace(friend.address.slice(2).toLowerCase(), account.slice(2).toLowerCase()) }] }));
  expect(await code(plan({ op: 'stake', amount, account }))).toBe('ECONOMY_BINDING_NOT_APPROVED');
  expect(await code(plan({ op: 'stake', amount, account: friend.address }))).toBe('ECONOMY_BINDING_NOT_APPROVED');
  void callAll();
  await waitsForOne();
  expectNothing();
}, 60_000);

it('stakes, cancels, takes back and withdraws by plans for an account whose key is elsewhere, without a wallet here, over a restart', async () => {
  const own = newAccount();
  const account = own.address;
  await fund(own);
  const owner = ownerService(host);
  const told = await owner.bind({ account });
  if (told.is !== 'asked') expect.fail('it was approved by nobody');
  expect(told.question).toMatchObject({ needsPassword: false });
  expect(told.question.lines.join('\n')).toMatch(new RegExp(`gives {6}this node to ${account}\nnode {7}12D3KooW\\w+[^]*WARNING {4}That account gets the node`));
  const bound = await owner.decideBinding({ id: told.question.id, account, isApproved: true });
  // Remembered.
  await host.stop();
  await open();
  expect(await ownerService(host).bind({ account })).toEqual({ is: 'approved', call: bound });
  const stake = await plan({ op: 'stake', amount: String(1_500n * SUM), account });
  expect([stake.nonce, stake.calls[0]]).toEqual([0, { what: 'bind', ...bound, value: '0' }]);
  await expect(plan({ op: 'stake', amount: String(999n * SUM), account })).rejects.toMatchObject({ code: 'ECONOMY_NOT_POSSIBLE', message: expect.stringContaining('StakeTooSmall') });
  await send(own, stake);
  expect(await host.ledger({ account })).toMatchObject({ staked: String(1_500n * SUM), liquid: String(18_500n * SUM), isActive: true });
  await expect.poll(() => host.now().node?.owner).toBe(account);
  await send(own, await plan({ op: 'unstake', amount: String(500n * SUM), account }));
  await send(own, await plan({ op: 'cancel', index: 0, account }));
  await send(own, await plan({ op: 'unstake', amount: String(1_500n * SUM), account }));
  await expect(plan({ op: 'withdraw', account })).rejects.toMatchObject({ code: 'ECONOMY_NOT_POSSIBLE', message: expect.stringContaining('NothingMatured') });
  await (await host.chain()).travel(7 * 86_400);
  await send(own, await plan({ op: 'withdraw', account }));
  expect(await host.ledger({ account })).toMatchObject({ staked: '0', liquid: String(20_000n * SUM), unbonding: [] });
  // Nobody else can be asked for while it is bound, nor act for it.
  const other = newAccount();
  expect(await code(call('economy.bind', { account: other.address }))).toBe('ECONOMY_NOT_POSSIBLE');
  expect(await code(plan({ op: 'unstake', amount: '1', account: other.address }))).toBe('ECONOMY_NOT_POSSIBLE');
  for (const wrong of [`${account.slice(0, -1)}${account.endsWith('0') ? '1' : '0'}`, account.slice(0, -1)]) expect(await code(plan({ op: 'withdraw', account: wrong }))).toBe('ECONOMY_BAD_ACCOUNT');
}, 60_000);

it('offers an owner elsewhere what of a paid session is due: the voucher in time, the pay, the reward', async () => {
  const own = newAccount();
  const account = own.address;
  await fund(own);
  const asking = call('economy.bind', { account });
  await waitsForOne();
  await decide(true);
  await asking;
  await send(own, await plan({ op: 'stake', amount: String(10_000n * SUM), account }));
  const sum = await host.chain();
  const [chain, payer, salt] = [new PayChain(sum), await accountOn(sum), `0x${'07'.repeat(32)}` as const];
  const place = { chainId: sum.network.chainId, settlement: chain.settlement };
  const sessionId = sessionIdOf(place, { payer: payer.address, salt });
  await payer.send('open', chain.open({ salt, durationS: 60n, nodeIds: [node.nodeId], caps: [10n * SUM] }));
  const share: BookedShare = { sessionId, workId: WORD, nodeId: node.nodeId, layers: { first: 0, last: 4 }, price: 2n * SUM, cap: 10n * SUM, peer: asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'), tokens: 1_000 };
  const root = leafOf(billHash(billOf(share, { tokens: 1_000 }), place));
  book.begin({ role: 'node', id: sessionId, ...place, work: WORD, payer: payer.address, openedMs: 1, state: 'closed' }, [share]);
  book.addVoucher('node', sessionId, [{ nodeId: node.nodeId, root, path: [], tokens: 1_000, receiptsRoot: zeroHash, signature: await payer.wallet.signVoucher({ ...place, sessionId, root, amount: 10n * SUM }) }]);
  const session = async () => (await call('economy.earnings', { windowMs: 30 * 86_400_000, account }) as Earnings).sessions[0];
  const act = async (op: 'post' | 'collect' | 'reward') => send(own, await plan({ op, sessionId, account }));

  expect(await session()).toMatchObject({ state: 'open', pending: String(10n * SUM) });
  await sum.travel(61);
  expect(await session()).toMatchObject({ state: 'challenge', due: 'post' });
  await act('post');
  expect(await session()).not.toHaveProperty('due');
  expect(await code(plan({ op: 'post', sessionId, account }))).toBe('ECONOMY_NOT_POSSIBLE');
  await sum.travel(86_400);
  expect(await session()).toMatchObject({ state: 'claimable' });
  // By itself this host claims nothing that is another account's, and is done when that account did.
  const { wallet } = payer;
  const settler = new NodeSettler({ book, chain, wallet, steps: new Steps({ book, wallet, logger: silentLogger }) });
  await settler.settle();
  expect([book.session('node', sessionId)?.state, await session()]).toMatchObject(['closed', { state: 'claimable' }]);
  expect(await code(plan({ op: 'collect', sessionId, account: payer.address }))).toBe('ECONOMY_NOT_POSSIBLE');
  await act('collect');
  expect(await session()).toMatchObject({ state: 'paid', pay: String(95n * SUM / 10n), pending: '0' });
  expect(await session()).not.toHaveProperty('due');
  await settler.settle();
  expect(book.session('node', sessionId)?.state).toBe('done');
  await sum.travel(4 * 86_400);
  expect(await session()).toMatchObject({ due: 'reward' });
  await act('reward');
  expect(await session()).toMatchObject({ due: 'reward', reward: '0' });
  await act('reward');
  // Nine tenths of the half SUM that was burned, and half of that for want of a score.
  expect(await session()).toMatchObject({ reward: String(225n * SUM / 1000n) });
  expect(await code(plan({ op: 'reward', sessionId, account }))).toBe('ECONOMY_NOT_POSSIBLE');
  await send(own, await plan({ op: 'claim', account }));
  expect(await host.ledger({ account })).toMatchObject({ rewards: '0', liquid: String(10_009_725n * SUM / 1000n) });
}, 60_000);

it('needs the password of the wallet, where there is one', async () => {
  const owner = ownerService(host);
  await owner.create({ password: PASSWORD, words: 12 });
  const account = newAccount().address;
  const told = await owner.bind({ account });
  if (told.is !== 'asked') expect.fail('it was approved by nobody');
  const { question: { id, needsPassword } } = told;
  expect(needsPassword).toBe(true);
  expect(await code(owner.decideBinding({ id, account, isApproved: true }))).toBe('WALLET_PASSWORD_NEEDED');
  expect(await code(owner.decideBinding({ id, account: newAccount().address, isApproved: true, password: PASSWORD }))).toBe('WALLET_NOTHING_WAITS');
  expect(await owner.decideBinding({ id, account, isApproved: true, password: PASSWORD })).toMatchObject({ data: expect.stringContaining((await signedFor(account))[0] ?? '') });
});

it('says that the chain is down, and tells no address of it that was not named as public', async () => {
  const { network: { contracts } } = await host.chain();
  await host.stop();
  const url = 'http://127.0.0.1:9/key-in-the-path';
  await open({ kind: 'configured', chainId: 10, name: 'Example chain', rpcUrls: [url], contracts, confirmations: 0, fromBlock: 0 });
  const account = newAccount().address;
  expect([await code(plan({ op: 'withdraw', account })), await code(call('economy.bind', { account })), await code(call('economy.ledger', { account }))]).toEqual(['CHAIN_DOWN', 'CHAIN_DOWN', 'CHAIN_DOWN']);
  expect(host.now().network).toMatchObject({ chainId: 10 });
  expect(host.now().network).not.toHaveProperty('publicRpc');
});
