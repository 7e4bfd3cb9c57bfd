import { encodeFunctionData, parseEther, parseGwei, toHex } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { abis, EMBEDDED_CHAIN_ID, type Hex, type OutboxEntry } from '../../src-main/chain/index.ts';
import { ChainGround, newAccount, RawChain, temporaryHome } from '../../src-main/chain/testing/index.ts';

// The outbox against a real node whose mining, prices and answers the test has in its hands.

const WAIT = { timeout: 60_000, interval: 20 };
let raw: RawChain;
let ground: ChainGround;
let home: Awaited<ReturnType<typeof temporaryHome>>;

beforeAll(async () => {
  [raw, home] = await Promise.all([RawChain.start(), temporaryHome()]);
});

afterAll(async () => {
  await raw?.stop();
  await home?.remove();
});

afterEach(async () => {
  raw.fault = () => undefined;
  await ground?.chain.stop();
  await raw.rpc('evm_setAutomine', true);
  await raw.mine(3);
});

/** A fresh account with money; the home stays, and with it what earlier tests sent. */
async function begin(options: Parameters<typeof ChainGround.start>[0]['options'] = {}, over: Parameters<RawChain['config']>[0] = {}): Promise<ChainGround> {
  const account = newAccount();
  await raw.fund(account.address);
  ground = await ChainGround.start({ home: home.home, config: raw.config(over), account, options });
  return ground;
}

const transfer = (to: Hex, amount: bigint) => ({ what: 'transfer', to: raw.contracts.SumToken, data: encodeFunctionData({ abi: abis.SumToken, functionName: 'transfer', args: [to, amount] }), value: 0n });
const heldBy = (account: Hex) => ground.chain.client.readContract({ address: raw.contracts.SumToken, abi: abis.SumToken, functionName: 'balanceOf', args: [account] });
const sent = async (from: Hex) => Number(await raw.rpc<Hex>('eth_getTransactionCount', from, 'latest'));
const entry = (id: string): OutboxEntry => ground.chain.outbox.entry(id)!;
const step = (id: string) => entry(id).steps[0]!;
/** As a new block, or time, would. */
const until = (id: string, accept: (entry: OutboxEntry) => boolean) => vi.waitFor(() => {
  ground.chain.outbox.wake();
  expect(accept(entry(id))).toBe(true);
}, WAIT);
const to = newAccount().address;
const add = (amount = 1n, maxFeeWei = parseEther('0.1')): string => ground.chain.outbox.add({ ...ground.batch('transfer', [transfer(to, amount)]), maxFeeWei }, ground.account.signer).batch.id;

describe.sequential('the outbox', () => {
  it('names a chain that is another, and one without the contracts', async () => {
    await begin();
    await ground.chain.stop();
    const config = raw.config();
    for (const wrong of [{ ...config, chainId: 1 }, { ...config, contracts: { ...raw.contracts, Committee: to } }]) {
      ground = await ChainGround.start({ home: home.home, config: wrong });
      expect(ground.chain.link).toMatchObject({ status: 'wrong-network', error: { code: 'CHAIN_WRONG_NETWORK' } });
      await expect(ground.chain.ledger({ nodeId: ground.node.nodeId, account: to })).rejects.toMatchObject({ code: 'CHAIN_WRONG_NETWORK' });
      await ground.chain.stop();
    }
  });

  it('keeps what it is given while the chain is down, says so, and goes on with another address', async () => {
    await begin({}, { rpcUrls: ['http://127.0.0.1:9', raw.url] });
    expect(ground.chain.link.status).toBe('ready');
    raw.fault = () => 'down';
    await vi.waitFor(() => expect(ground.chain.link).toMatchObject({ status: 'down', error: { code: 'CHAIN_DOWN' } }), WAIT);
    const id = add();
    expect(entry(id).status).toBe('queued');
    await expect(ground.chain.ledger({ nodeId: ground.node.nodeId, account: to })).rejects.toMatchObject({ code: 'CHAIN_DOWN' });
    raw.fault = () => undefined;
    expect((await ground.chain.outbox.settled(id)).status).toBe('confirmed');
    expect(ground.chain.link.status).toBe('ready');
  });

  it('asks the chain what became of a transaction whose answer was lost', async () => {
    await begin();
    const before = await heldBy(to);
    let lost = 0;
    raw.fault = ({ method }) => (method === 'eth_sendRawTransaction' && lost++ === 0 ? 'lost' : undefined);
    await ground.chain.outbox.settled(add(5n));
    expect([await heldBy(to), await sent(ground.account.address), lost]).toEqual([before + 5n, 1, 1]);
  });

  it('quotes from a node that cannot simulate', async () => {
    await begin();
    // As a node says that does not have the method.
    const calls = [transfer(to, 1n), transfer(to, parseEther('1000000'))];
    expect((await ground.chain.quote(ground.account.address, calls)).outcomes).toMatchObject([{ outcome: 'ok' }, { outcome: 'reverts', error: { meta: { error: 'ERC20InsufficientBalance' } } }]);
    raw.fault = ({ method }) => (method === 'eth_simulateV1' ? 'unsupported' : undefined);
    expect((await ground.chain.quote(ground.account.address, calls)).outcomes).toMatchObject([{ outcome: 'ok' }, { outcome: 'unknown' }]);
  });

  it('says why a contract refuses, without sending it', async () => {
    await begin();
    const id = add(parseEther('1000000'));
    await expect(ground.chain.outbox.settled(id)).rejects.toMatchObject({ code: 'CHAIN_REVERTED', meta: { contract: 'SumToken', error: 'ERC20InsufficientBalance', args: { needed: String(parseEther('1000000')) } } });
    expect([await sent(ground.account.address), entry(id).status]).toEqual([0, 'failed']);
  });

  it('says why a transaction reverted in its block, and does not send what follows', async () => {
    await begin({}, { confirmations: 1 });
    const stranger = newAccount();
    await raw.fund(stranger.address);
    const approve = (amount: bigint, nonce: number) => stranger.key.signTransaction({
      type: 'eip1559', chainId: EMBEDDED_CHAIN_ID, nonce, to: raw.contracts.SumToken, gas: 100_000n, maxFeePerGas: parseGwei('900'), maxPriorityFeePerGas: parseGwei('90'),
      data: encodeFunctionData({ abi: abis.SumToken, functionName: 'approve', args: [ground.account.address, amount] }),
    });
    await raw.rpc('eth_sendRawTransaction', await approve(5n, 0));
    await raw.rpc('evm_setAutomine', false);
    const take = { ...transfer(to, 5n), data: encodeFunctionData({ abi: abis.SumToken, functionName: 'transferFrom', args: [stranger.address, to, 5n] }) };
    const { id } = ground.chain.outbox.add(ground.batch('take', [take, transfer(to, 1n)]), ground.account.signer).batch;
    await until(id, ({ steps }) => steps[0]?.status === 'sent');
    // In the same block, before it, the allowance goes.
    await raw.rpc('eth_sendRawTransaction', await approve(0n, 1));
    await raw.mine();
    await until(id, ({ error }) => error?.code === 'CHAIN_REVERTED');
    expect(entry(id).status).toBe('sent');
    await raw.mine();
    await until(id, ({ status }) => status === 'failed');
    expect(entry(id)).toMatchObject({ steps: [{ status: 'failed', fee: expect.any(BigInt) }, { status: 'failed' }], error: { meta: { error: 'ERC20InsufficientAllowance' } } });
    expect(entry(id).steps[1]?.hash).toBeUndefined();
  });

  it('sends a stuck one again at a higher fee, within the budget, and it takes effect once', async () => {
    await begin({ stuckMs: 0 });
    await raw.rpc('evm_setAutomine', false);
    const before = await heldBy(to);
    // Room for three raises of an eighth.
    const budget = (await ground.chain.quote(ground.account.address, [transfer(to, 7n)])).maxFeeWei * 3n / 4n;
    const id = add(7n, budget);
    await until(id, ({ steps, error }) => steps[0]!.resent >= 2 && error?.code === 'CHAIN_FEE_TOO_HIGH');
    const pool = await raw.rpc<{ pending: Record<string, Record<string, { maxFeePerGas: Hex; gas: Hex }>> }>('txpool_content');
    const pending = Object.values(Object.values(pool.pending).find((own) => '0' in own)!);
    expect(pending).toHaveLength(1);
    expect(BigInt(pending[0]!.maxFeePerGas) * BigInt(pending[0]!.gas)).toBeLessThanOrEqual(budget);
    await raw.mine();
    await until(id, ({ status }) => status === 'confirmed');
    expect([await heldBy(to), await sent(ground.account.address)]).toEqual([before + 7n, 1]);
  });

  it('replaces what pays less than the block asks for', async () => {
    await begin();
    await raw.rpc('evm_setAutomine', false);
    // The price rises between the question for it and the sending.
    raw.fault = ({ method }) => (method === 'eth_sendRawTransaction' && step(id).resent === 0 ? raw.rpc('anvil_setNextBlockBaseFeePerGas', toHex(parseGwei('200'))).then(() => raw.mine()) : undefined);
    const id = add(1n, parseEther('1'));
    await until(id, ({ steps }) => steps[0]!.resent > 0);
    await raw.mine(2);
    await until(id, ({ status }) => status === 'confirmed');
    expect(await sent(ground.account.address)).toBe(1);
  });

  it('takes another number when another program used its own, and says so where that goes on', async () => {
    await begin({}, { confirmations: 1 });
    await raw.rpc('evm_setAutomine', false);
    const id = add(3n);
    await until(id, ({ status }) => status === 'sent');
    await raw.rpc('anvil_dropAllTransactions');
    const other = await ground.account.key.signTransaction({ type: 'eip1559', chainId: EMBEDDED_CHAIN_ID, nonce: 0, to, value: 1n, gas: 21_000n, maxFeePerGas: parseGwei('500'), maxPriorityFeePerGas: parseGwei('9') });
    raw.fault = ({ method }) => (method === 'eth_sendRawTransaction' ? 'down' : undefined);
    await raw.rpc('eth_sendRawTransaction', other);
    await raw.mine(3);
    raw.fault = () => undefined;
    await raw.rpc('evm_setAutomine', true);
    await vi.waitFor(async () => {
      await raw.mine();
      ground.chain.outbox.wake();
      expect(entry(id).status).toBe('confirmed');
    }, WAIT);
    expect(await sent(ground.account.address)).toBe(2);
  });

  it('follows a transaction out of the chain and back with the same bytes, and the ledger with it', async () => {
    await begin({}, { confirmations: 3 });
    const before = await heldBy(to);
    const id = add(11n);
    await until(id, ({ status }) => status === 'mined');
    const { hash, block } = step(id);
    await raw.mine();
    await raw.rpc('anvil_reorg', 2, []);
    expect(await raw.rpc('eth_getTransactionReceipt', hash)).toBeNull();
    await until(id, ({ steps }) => steps[0]?.status === 'mined' && steps[0].block !== block || steps[0]?.status === 'sent');
    await vi.waitFor(async () => {
      await raw.mine();
      ground.chain.outbox.wake();
      expect(entry(id).status).toBe('confirmed');
    }, WAIT);
    expect([step(id).hash, step(id).resent, await heldBy(to)]).toEqual([hash, 0, before + 11n]);
  });

  it('waits for coins, and for a wallet that is locked', async () => {
    await begin();
    await raw.rpc('anvil_setBalance', ground.account.address, '0x0');
    const id = add();
    await until(id, ({ error }) => error?.code === 'CHAIN_NO_FUNDS');
    await raw.rpc('anvil_setBalance', ground.account.address, toHex(parseEther('1')));
    await until(id, ({ status }) => status === 'confirmed');
    const stranger = newAccount();
    await raw.fund(stranger.address);
    const waiting = ground.chain.outbox.add(ground.batch('transfer', [transfer(to, 1n)], stranger)).batch.id;
    await until(waiting, ({ error }) => error?.code === 'CHAIN_NO_SIGNER');
    ground.chain.outbox.use(stranger.signer);
    expect(await ground.chain.outbox.settled(waiting)).not.toHaveProperty('error');
  });

  it('reads events again that a reorganisation changed', async () => {
    await begin();
    await ground.do({ op: 'stake', amount: parseEther('2000') });
    const earnings = () => ground.chain.earnings({ nodeId: ground.node.nodeId, windowMs: 1e12 });
    await raw.mine();
    await earnings();
    await raw.rpc('evm_increaseTime', 2 * 86_400);
    await raw.mine();
    expect((await earnings()).realisedApr).toBeDefined();
    await raw.rpc('anvil_reorg', 3, []);
    await raw.rpc('evm_increaseTime', 2 * 86_400);
    await raw.mine();
    expect((await earnings()).realisedApr).toBeUndefined();
  });
});
