import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { formatEther, parseEther } from 'viem';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isAlive } from '../../src-main/base/index.ts';
import { abis, type ChainConfig, type Hex, type SumChain } from '../../src-main/chain/index.ts';
import { ChainGround, newAccount, temporaryHome } from '../../src-main/chain/testing/index.ts';
import { anvilsOf, killChainChild, startChainChild } from '../support/chain-children.ts';

const WAIT = { timeout: 60_000, interval: 20 };
let home: Awaited<ReturnType<typeof temporaryHome>>;
const running = new Set<SumChain>();

beforeEach(async () => {
  home = await temporaryHome();
});
afterEach(async () => {
  for (const chain of running) await chain.stop();
  running.clear();
  await home.remove();
});

async function start(init: Partial<Parameters<typeof ChainGround.start>[0]> = {}): Promise<ChainGround> {
  const ground = await ChainGround.start({ home: home.home, ...init });
  running.add(ground.chain);
  return ground;
}

const sumOf = async ({ chain }: ChainGround, account: Hex): Promise<string> =>
  formatEther(await chain.client.readContract({ address: chain.network.contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [account] }));
const newest = async ({ chain }: ChainGround) => await chain.client.getBlock();

it('goes from the faucet to a stake and back to the account seven days later, over a restart', async () => {
  let ground = await start();
  const { account, node } = ground;
  await ground.fund();
  expect(Math.abs(Number((await newest(ground)).timestamp) * 1000 - Date.now())).toBeLessThan(60_000);
  const calls = await ground.chain.plan({ op: 'stake', amount: parseEther('5000') }, { nodeId: node.nodeId, account: account.address, nodeSigner: node });
  const quote = await ground.chain.quote(account.address, calls);
  expect(calls.map(({ what }, index) => [what, quote.outcomes[index]?.outcome])).toEqual([['bind', 'ok'], ['approve', 'ok'], ['stake', 'ok']]);
  expect((await ground.chain.quote(account.address, calls.slice(2))).outcomes).toMatchObject([{ outcome: 'reverts', error: { code: 'CHAIN_REVERTED', meta: { error: 'NotOwnerOfNode' } } }]);
  const staked = ground.chain.outbox.add({ ...ground.batch('stake', calls), maxFeeWei: quote.maxFeeWei }).batch.id;
  expect((await ground.chain.outbox.settled(staked)).steps.map(({ fee = 0n }) => fee).reduce((all, fee) => all + fee)).toBeLessThan(quote.maxFeeWei);
  expect(ground.chain.decodeCall(calls[2]!.to, calls[2]!.data)).toMatchObject({ contract: 'StakingContract', name: 'stake', args: [{ name: 'nodeId', value: node.nodeId }, { name: 'amount', value: parseEther('5000') }] });
  await ground.do({ op: 'unstake', amount: parseEther('1000') });
  const block = await newest(ground);
  const ledger = await ground.chain.ledger({ nodeId: node.nodeId, account: account.address });
  expect(ledger).toMatchObject({ staked: parseEther('4000'), liquid: parseEther('15000'), owner: account.address, unbonding: [{ index: 0, amount: parseEther('1000'), isMatured: false }] });
  await ground.chain.stop();
  ground = await start({ account, node });
  expect((await newest(ground)).hash).toBe(block.hash);
  await ground.chain.travel((ledger.unbonding[0]!.releaseAtMs - ledger.atMs) / 1000);
  expect((await ground.chain.ledger({ nodeId: node.nodeId, account: account.address })).unbonding).toMatchObject([{ isMatured: true }]);
  await ground.do({ op: 'withdraw' });
  expect(await sumOf(ground, account.address)).toBe('16000');
});

it('starts anvil again when it was killed, with all that was answered', async () => {
  const ground = await start();
  await ground.fund();
  const block = (await newest(ground)).number;
  for (const pid of anvilsOf(process.pid)) process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(ground.chain.link.status).toBe('down'), WAIT);
  const { id } = ground.chain.faucet(newAccount().address).batch;
  expect((await ground.chain.outbox.settled(id)).status).toBe('confirmed');
  expect(await sumOf(ground, ground.account.address)).toBe('20000');
  expect((await newest(ground)).number).toBeGreaterThanOrEqual(block + 2n);
  await vi.waitFor(() => expect(ground.chain.link.status).toBe('ready'), WAIT);
});

it('leaves no anvil behind and loses nothing when the app is killed', async () => {
  const { address, privateKey } = newAccount();
  const child = startChainChild({ home: home.home, config: { kind: 'embedded' }, key: privateKey, holdAt: 'settled' });
  let anvils: number[] = [];
  await killChainChild(child, 'settled', () => { anvils = anvilsOf(child.pid!); });
  expect(anvils).toHaveLength(1);
  await vi.waitFor(() => expect(isAlive(anvils[0]!)).toBe(false), WAIT);
  expect(await sumOf(await start(), address)).toBe('20000');
});

it('goes back to its journal where a kept state is damaged', async () => {
  let ground = await start();
  await ground.fund();
  const { account } = ground;
  await ground.chain.stop();
  const file = new DatabaseSync(join(home.home, 'chain', 'embedded', 'devnet.db'));
  file.exec('UPDATE states SET state = x\'1f8b00\'');
  file.close();
  ground = await start();
  expect([await sumOf(ground, account.address), ground.chain.link.status]).toEqual(['20000', 'ready']);
});

it('belongs to one process, gives little a day, and moves no time but for tests', async () => {
  const ground = await start({ options: { canTravel: false, faucetPerDay: 1 } });
  await expect(start()).rejects.toMatchObject({ code: 'CHAIN_IN_USE' });
  await ground.fund();
  expect(() => ground.chain.faucet(ground.account.address)).toThrow(expect.objectContaining({ code: 'ECONOMY_FAUCET_EMPTY' }) as Error);
  await expect(ground.chain.travel(60)).rejects.toMatchObject({ code: 'CHAIN_METHOD_UNSUPPORTED' });
  for (const method of ['evm_increaseTime', 'anvil_setBalance', 'eth_sendTransaction', 'eth_sign', 'eth_accounts', 'debug_traceTransaction', 'txpool_content']) {
    await expect(ground.chain.request({ method, params: [] })).rejects.toMatchObject({ code: 'CHAIN_METHOD_UNSUPPORTED' });
  }
});

it('serves another node where that was asked for, and no page', async () => {
  const ground = await start({ config: { kind: 'embedded', rpcPort: 0 } });
  const url = ground.chain.rpcUrl!;
  const { contracts, chainId } = ground.chain.network;
  const config: ChainConfig = { kind: 'configured', chainId, name: 'theirs', rpcUrls: [url], contracts, confirmations: 0, fromBlock: 0 };
  const other = await start({ home: join(home.home, 'other'), config });
  await ground.fund(other.account);
  await other.do({ op: 'stake', amount: parseEther('1000') });
  expect(await other.chain.ledger({ nodeId: other.node.nodeId, account: other.account.address })).toMatchObject({ isActive: true });
  expect(() => other.chain.faucet(other.account.address)).toThrow(expect.objectContaining({ code: 'ECONOMY_NO_FAUCET' }) as Error);
  const ask = (method: string, headers = {}) => fetch(url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: [] }) });
  expect(await (await ask('eth_chainId')).json()).toMatchObject({ id: 7, result: '0x53554d' });
  expect(await (await ask('evm_mine')).json()).toMatchObject({ error: { code: -32_601 } });
  for (const origin of ['https://page.invalid', 'null', 'https://chrome-extension.invalid', 'chrome-extension://a.b/c', '']) expect([origin, (await ask('eth_chainId', { origin })).status]).toEqual([origin, 403]);
  // The wallets of a browser are its extensions.
  for (const origin of [`chrome-extension://${'a'.repeat(32)}`, 'moz-extension://6c4d7a3e-8f0e-4b7b-9f5e-0d7f0a1b2c3d']) expect([origin, (await ask('eth_chainId', { origin })).status]).toEqual([origin, 200]);
});
